import Intent
import Kubernetes
import Testing

@Suite struct CalicoKindTests {
  private func node(_ name: String, _ address: String, _ more: [String: JSON] = [:]) -> JSON {
    let annotations: [String: JSON] = ["projectcalico.org/IPv4Address": .string(address)]
    return CalicoNode.view(
      of: [
        "metadata": [
          "name": .string(name), "annotations": .object(annotations.merging(more) { $1 }),
        ]
      ])
  }

  /// The article's output of `calicoctl get node -o wide`, with the columns of calicoctl 3.15.
  @Test func `nodes are shown as in the article, an inherited AS in parentheses`() {
    let nodes = [
      node("k3d-cpaas1-agent-1", "172.19.0.4/16"), node("k3d-cpaas1-server-0", "172.19.0.2/16"),
      node("own", "172.19.0.9/16", ["projectcalico.org/ASNumber": "65001"]),
    ]
    let lines = CalicoKind.node.table(nodes, wide: true, clusterAS: "64512").split(separator: "\n")
    #expect(
      lines == [
        "NAME                  ASN       IPV4            IPV6   ",
        "k3d-cpaas1-agent-1    (64512)   172.19.0.4/16          ",
        "k3d-cpaas1-server-0   (64512)   172.19.0.2/16          ",
        "own                   65001     172.19.0.9/16          ",
      ])
  }

  @Test func `a peer's scope is global, a node or a selector`() {
    let peers: [JSON] = [
      ["metadata": ["name": "edge"], "spec": ["peerIP": "172.19.0.1", "asNumber": 64512]],
      ["metadata": ["name": "a"], "spec": ["node": "n1", "peerSelector": "has(rr)"]],
      ["metadata": ["name": "b"], "spec": ["nodeSelector": "rack == 'r1'", "peerIP": "10.0.0.1"]],
    ]
    let lines = CalicoKind.bgpPeer.table(peers, wide: false, clusterAS: "").split(separator: "\n")
    #expect(
      lines == [
        "NAME   PEERIP       NODE           ASN     ",
        "edge   172.19.0.1   (global)       64512   ",
        "a                   n1             0       ",
        "b      10.0.0.1     rack == 'r1'   0       ",
      ])
  }

  @Test(arguments: [
    ("bgpPeer", CalicoKind.bgpPeer), ("BGPPEERS", .bgpPeer), ("bp", .bgpPeer), ("pool", .ipPool),
    ("bgpconfig", .bgpConfiguration), ("nodes", .node), ("bgpfilters", .bgpFilter),
  ])
  func `kinds are known by calicoctl's words`(word: String, kind: CalicoKind) {
    #expect(CalicoKind(typed: word) == kind)
  }

  @Test func `a node's view written back changes what was changed and nothing else`() {
    let stored: JSON = [
      "metadata": [
        "name": "a", "labels": ["rack": "r1", "old": "x"],
        "annotations": ["projectcalico.org/IPv4Address": "172.19.0.2/16", "other": "kept"],
      ]
    ]
    var view = CalicoNode.view(of: stored)
    view["spec"]["bgp"]["routeReflectorClusterID"] = "244.0.0.1"
    view["spec"]["bgp"]["asNumber"] = 65001
    view["metadata"]["labels"]["old"] = .null
    var patched = stored
    patched.merge(CalicoNode.patch(to: view, from: stored))
    #expect(patched["metadata"]["labels"].strings == ["rack": "r1"])
    #expect(
      patched["metadata"]["annotations"].strings == [
        "projectcalico.org/IPv4Address": "172.19.0.2/16", "other": "kept",
        "projectcalico.org/ASNumber": "65001",
        "projectcalico.org/RouteReflectorClusterID": "244.0.0.1",
      ])
    #expect(CalicoNode.view(of: patched)["spec"]["bgp"] == view["spec"]["bgp"])
  }
}

@Suite struct CalicoAPIConfigTests {
  @Test func `the article's calicoctl.cfg names its kubeconfig`() throws {
    let file = try CalicoAPIConfig(
      parsing: """
        apiVersion: projectcalico.org/v3
        kind: CalicoAPIConfig
        metadata:
        spec:
          datastoreType: "kubernetes"
          kubeconfig: "/home/xxxx/.kube/config"
        """, file: "calicoctl.cfg")
    #expect(file.kubeconfig == "/home/xxxx/.kube/config")
  }

  @Test(arguments: [
    ("kind: Pod", "kind: found \"Pod\", expected CalicoAPIConfig"),
    (
      "kind: CalicoAPIConfig\napiVersion: projectcalico.org/v3\nspec: {datastoreType: etcdv3}",
      "spec.datastoreType: found \"etcdv3\", expected kubernetes"
    ),
  ])
  func `another file is refused with what was found`(text: String, reason: String) {
    let problem = #expect(throws: FileProblem.self) {
      try CalicoAPIConfig(parsing: text, file: "f")
    }
    #expect(problem?.message == reason)
  }
}

@Suite struct YAMLPrintTests {
  @Test func `text that would be read as something else is in quotes`() throws {
    let document: JSON = [
      "number": 64512, "text": "64512", "flag": true, "word": "yes", "when": "2026-11-26T07:26:13Z",
      "name": "edge", "empty": [:], "list": [["cidr": "10.0.0.0/8"], "x"], "lines": "a\nb",
    ]
    let text = YAML.text(document)
    #expect(text.contains("text: \"64512\"\n") && text.contains("word: \"yes\"\n"))
    #expect(text.contains("when: \"2026-11-26T07:26:13Z\"\n") && text.contains("name: edge\n"))
    #expect(text.contains("list:\n- cidr: 10.0.0.0/8\n- x\n"), "\(text)")
    #expect(try YAML.documents(text, file: "") == [document])
  }
}
