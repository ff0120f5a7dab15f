import Glibc

// The sample image's one executable: a server to look at from the other side of a load balancer.

do {
  let arguments = try Arguments(CommandLine.arguments.dropFirst())
  let conduct = Conduct()
  switch arguments.server {
  case .whoami:
    let conversation = HTTPConversation(answer: conduct.serve(whoami))
    try Server(port: arguments.port).run(conversation.serve)
  case .httpbin:
    let conversation = HTTPConversation(answer: conduct.serve(httpbin))
    try Server(port: arguments.port).run(conversation.serve)
  case .tcpEcho: try Server(port: arguments.port).run(echo)
  case .udpEcho: try DatagramEcho(port: arguments.port).run()
  }
} catch {
  let line = Array("\(error)\n".utf8)
  write(STDERR_FILENO, line, line.count)
  exit(64)
}
