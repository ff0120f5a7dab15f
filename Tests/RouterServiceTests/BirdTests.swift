import BGP
import Glibc
import Linux
import NetTypes
import RouterService
import Testing

let hasBird = access("/usr/sbin/bird", X_OK) == 0

/// Against BIRD 2 as the peer, in a namespace of its own.
@Suite(
  .serialized, .enabled(if: isRoot, "needs root: network namespaces"),
  .enabled(if: hasBird, "needs BIRD 2: apt-get install bird2"))
struct BirdTests {
  /// BIRD in `net.right`, announcing 10.92.0.0/24; killed with this object.
  private final class Bird {
    let folder: String
    let pid: pid_t

    init(_ net: TwoNamespaces) throws {
      var template = Array("/tmp/atoll-bird-XXXXXX".utf8CString)
      folder = String(cString: mkdtemp(&template))
      let configuration = """
        log stderr all;
        router id 10.90.0.2;
        protocol device {}
        protocol static { ipv4; route 10.92.0.0/24 blackhole; }
        protocol bgp edge { local 10.90.0.2 as 64512; neighbor 10.90.0.1 as 64512; direct;
          graceful restart on; graceful restart time 120; hold time 9; connect retry time 1;
          connect delay time 1; error wait time 1, 2;
          ipv4 { import all; export where source = RTS_STATIC; next hop self; }; }
        """
      try FileSystem.write(Array(configuration.utf8), to: folder + "/bird.conf")
      let enter = ["nsenter", "--net=" + net.path(net.right), "/usr/sbin/bird", "-f"]
      let words =
        enter + ["-c", folder + "/bird.conf", "-s", folder + "/ctl", "-P", folder + "/pid"]
      var arguments = words.map { strdup($0) as UnsafeMutablePointer<CChar>? } + [nil]
      defer { for argument in arguments { free(argument) } }
      var child: pid_t = 0
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      posix_spawn_file_actions_addopen(&actions, 2, folder + "/log", O_WRONLY | O_CREAT, 0o600)
      try #require(posix_spawnp(&child, "nsenter", &actions, nil, &arguments, environ) == 0)
      pid = child
    }

    func show(_ command: String) -> String {
      let pipe = popen("/usr/sbin/birdc -s \(folder)/ctl '\(command)' 2>&1", "r")!
      defer { pclose(pipe) }
      var text = ""
      var buffer = [CChar](repeating: 0, count: 4096)
      while fgets(&buffer, 4096, pipe) != nil {
        text += String(
          decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      return text
    }

    func kill() {
      Glibc.kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }

    deinit {
      kill()
      for name in ["bird.conf", "ctl", "pid", "log"] { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
  }

  @Loop @Test func `routes go both ways with BIRD and survive its crash and ours`() async throws {
    let net = try TwoNamespaces()
    let bird = try Bird(net)
    var ours = net.router(net.left, peer: "10.90.0.2") {
      $0.networks = [prefix("10.91.0.0/26")]
      $0.neighbors[0].settings.defaultOriginate = true
    }
    try ours.start()
    #expect(await eventually { try net.routes(in: net.left)[prefix("10.92.0.0/24")] != nil })
    let hops = try net.routes(in: net.left)[prefix("10.92.0.0/24")]?.nextHops
    #expect(hops == [address("10.90.0.2")])
    #expect(
      await eventually {
        let table = bird.show("show route")
        return table.contains("10.91.0.0/26") && table.contains("0.0.0.0/0")
      })
    print(bird.show("show status").split(separator: "\n").first ?? "")

    // Our crash: BIRD keeps what we announced, and we keep the kernel's routes.
    ours.stop(graceful: true)
    #expect(await eventually { !bird.show("show protocols edge").contains("Established") })
    #expect(bird.show("show route").contains("10.91.0.0/26"))
    #expect(try net.routes(in: net.left).count == 1)
    ours = net.router(net.left, peer: "10.90.0.2") { $0.networks = [prefix("10.91.0.0/26")] }
    try ours.start()
    #expect(await eventually { ours.status.sessions[0].state == .established })
    // The default route is not announced any more: End-of-RIB takes it out of BIRD.
    #expect(await eventually { !bird.show("show route").contains("0.0.0.0/0") })
    #expect(bird.show("show route").contains("10.91.0.0/26"))

    // BIRD's crash: its route stays, stale.
    bird.kill()
    #expect(await eventually { ours.status.sessions[0].state != .established })
    #expect(try net.routes(in: net.left).count == 1)
    #expect(ours.status.routes.contains { $0.path.isStale })
    ours.stop(graceful: false)
  }
}
