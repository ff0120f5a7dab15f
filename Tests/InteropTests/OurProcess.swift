import Glibc
import Linux

/// `atoll router` as an operator runs it, in our namespace: what a SIGKILL can hit.
@Loop final class OurProcess {
  #if DEBUG
    private static let program = ".build/debug/atoll"
  #else
    private static let program = ".build/release/atoll"
  #endif

  private let folder: String
  private let child: ChildProcess

  /// With the same neighbour and network as the cell's own router.
  init(_ exchange: Exchange, _ cable: Cable) throws {
    var template = Array("/tmp/atollinterop-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
    let peer = exchange.theirAddress
    let text = """
      router bgp \(exchange.ourAS)
       bgp router-id \(Cable.ourAddress)
       bgp graceful-restart
       network \(ourRoute)
       neighbor \(peer) remote-as \(exchange.theirAS)
       neighbor \(peer) next-hop-self
      \(exchange.peerConnects ? " neighbor \(peer) passive\n" : "")
      """
    try FileSystem.write(Array(text.utf8), to: "\(folder)/conf")
    child = try ChildProcess.spawn(
      [Self.program, "router", "--config", "\(folder)/conf"], output: .append("\(folder)/log"),
      networkNamespace: cable.path(cable.ours))
  }

  var log: String { (try? FileSystem.readText("\(folder)/log")) ?? "" }
  var hasEstablished: Bool { log.contains("Established") }

  func kill() async throws {
    child.signal(SIGKILL)
    _ = try await child.wait()
    try FileSystem.removeTree(folder)
  }
}
