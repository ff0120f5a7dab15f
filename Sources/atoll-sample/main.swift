import Glibc

// The sample image's one executable: a server to look at from the other side of a load balancer.

do {
  let arguments = try Arguments(CommandLine.arguments.dropFirst())
  switch arguments.server {
  case .whoami: try Server(port: arguments.port).run(HTTPConversation(answer: whoami).serve)
  case .httpbin: try Server(port: arguments.port).run(HTTPConversation(answer: httpbin).serve)
  case .tcpEcho: try Server(port: arguments.port).run(echo)
  case .udpEcho: try DatagramEcho(port: arguments.port).run()
  }
} catch {
  let line = Array("\(error)\n".utf8)
  write(STDERR_FILENO, line, line.count)
  exit(64)
}
