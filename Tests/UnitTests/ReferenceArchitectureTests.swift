import Foundation
import Testing

/// examples/reference-architecture, step by step as its README has it.
@Suite(.serialized, .enabled(if: Bench.obstacle == nil, "\(Bench.obstacle ?? "")"))
struct ReferenceArchitectureTests {
  /// The article's own name and addresses.
  let unit = Bench(name: "cpaas1", index: 0)
  let example = Bench.root.appending(path: "examples/reference-architecture").path

  static var clash: String? {
    FileManager.default.fileExists(atPath: "/var/lib/atoll/cpaas1/unit.json")
      ? "a unit of the article's name is up on this machine" : nil
  }

  @Test(
    .enabled(if: clash == nil, "\(clash ?? "")"), .timeLimit(.minutes(5)))
  func `the article's commands and files work as they stand`() throws {
    defer { _ = try? unit.down() }
    let created = try unit.atoll(
      "cluster", "create", "cpaas1", "--image", "docker.io/rancher/k3s:v1.19.9-k3s1",
      "--k3s-server-arg", "--disable=traefik", "--k3s-server-arg", "--flannel-backend=none",
      "--volume", "/x/calico-k3d.yaml:/var/lib/rancher/k3s/server/manifests/calico.yaml",
      "--no-lb", "--servers", "1", "--agents", "3")
    #expect(created.status == 0, "\(created.errors)")
    for notice in [
      "image:", "--disable=traefik:", "--flannel-backend=none:", "volume ", "--no-lb:",
    ] {
      #expect(created.errors.contains("note: \(notice)"), "\(created.errors)")
    }
    try calicoctl()
    let applied = try unit.kubectl("apply", "--server-side", "-f", "\(example)/apps")
    #expect(applied.status == 0, "\(applied.errors)")
    let session = try String(contentsOfFile: "\(example)/edge.conf", encoding: .utf8)
    let typed = try unit.atoll("shell", "--name", "cpaas1", input: session)
    #expect(typed.status == 0 && !typed.output.contains("%"), "\(typed.output)")
    #expect(typed.output.contains("Building configuration...\n[OK]"))
    let printed = """
       neighbor calico-k8s peer-group
       neighbor calico-k8s remote-as 64512
       neighbor calico-k8s default-originate
       neighbor 172.19.0.2 peer-group calico-k8s
       neighbor 172.19.0.3 peer-group calico-k8s
       neighbor 172.19.0.4 peer-group calico-k8s
       neighbor 172.19.0.5 peer-group calico-k8s
      !
      line con 0
       login
      line vty 0 39
       login
      !
      end
      """
    #expect(typed.output.contains(printed), "\(typed.output)")
    for name in ["whoami", "httpbin"] {
      let rolled = try unit.kubectl("rollout", "status", "deployment/\(name)", "--timeout=60s")
      #expect(rolled.status == 0, "\(rolled.errors)")
    }
    var verified = Command(status: -1, output: "", errors: "")
    let holds = try unit.eventually(60, "verify") {
      verified = try unit.atoll("verify", "--name", "cpaas1")
      return verified.status == 0
    }
    #expect(holds, "\(verified.output)")
    let answer = try unit.atoll(
      "exec", "--name", "cpaas1", "client", "--", "curl", "-s", "-H", "Host: whoami.example",
      "http://10.10.2.10/")
    #expect(answer.output.contains("Name: whoami-"), "\(answer.output)\(answer.errors)")
    let balanced = try unit.atoll(
      "exec", "--name", "cpaas1", "client", "--", "curl", "-s", "http://10.10.2.11/get")
    #expect(balanced.output.contains("\"served_by\": \"httpbin-"), "\(balanced.output)")
  }

  /// The article's commands of calicoctl, and their output.
  private func calicoctl() throws {
    for (file, kind) in [
      ("01-bgpconfig.yml", "BGPConfiguration"), ("02-bgp-peer.yml", "BGPPeer"),
    ] {
      let made = try unit.atoll(
        "calicoctl", "create", "-f", "\(example)/\(file)", "--name", "cpaas1")
      #expect(made.output == "Successfully created 1 '\(kind)' resource(s)\n", "\(made.errors)")
      let again = try unit.atoll(
        "calicoctl", "create", "-f", "\(example)/\(file)", "--name", "cpaas1")
      #expect(again.status == 1)
      #expect(again.errors.hasPrefix("Failed to create '\(kind)' resource: [resource already"))
    }
    let nodes = try unit.atoll("calicoctl", "get", "node", "-o", "wide", "--name", "cpaas1")
    #expect(
      nodes.output == """
        NAME              ASN       IPV4            IPV6   
        cpaas1-agent-0    (64512)   172.19.0.3/16          
        cpaas1-agent-1    (64512)   172.19.0.4/16          
        cpaas1-agent-2    (64512)   172.19.0.5/16          
        cpaas1-server-0   (64512)   172.19.0.2/16          


        """, "\(nodes.errors)")
    let isUp = try unit.eventually(30, "four sessions of the first server") {
      let status = try unit.atoll("calicoctl", "node", "status", "--name", "cpaas1")
      return status.output.matches(of: /\| up +\|/).count == 4
    }
    #expect(isUp)
  }
}
