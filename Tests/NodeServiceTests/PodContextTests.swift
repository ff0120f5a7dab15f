import Kubernetes
import NetTypes
import Testing

@testable import NodeService

@Suite struct EnvironmentTests {
  private var context: PodContext {
    var context = PodContext(
      pod: pod { $0["metadata"]["labels"] = ["app": "web", "tier": "front"] }, nodeName: "agent-0")
    context.addresses = [.v4(IPv4Address(10, 53, 0, 7))]
    context.hostAddresses = [.v4(IPv4Address(172, 19, 0, 3))]
    context.configMaps = ["settings": ["data": ["color": "blue", "size": "L"]]]
    context.secrets = ["keys": ["data": ["token": "c2VjcmV0"]]]
    context.allocatable = ["cpu": Quantity(milli: 2000), "memory": Quantity(milli: 1 << 40)]
    return context
  }

  private func resolve(_ container: JSON) throws -> [String] {
    try context.environment(of: container).map { "\($0.name)=\($0.value)" }
  }

  @Test(arguments: [
    ("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("100$", "100$"), ("$(A", "$(A"), ("$A", "$A"),
    ("$$$(A)", "$1"), ("", ""),
  ])
  func `references to variables are expanded as Kubernetes does`(text: String, expanded: String) {
    #expect(PodContext.expand(text) { $0 == "A" ? "1" : nil } == expanded)
  }

  @Test func `values, fields, keys and resources become variables in order`() throws {
    let container: JSON = [
      "resources": ["limits": ["cpu": "1500m", "memory": "64Mi"]],
      "envFrom": [["configMapRef": ["name": "settings"], "prefix": "S_"]],
      "env": [
        ["name": "A", "value": "1"], ["name": "B", "value": "$(A)$(S_size)"],
        ["name": "IP", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]],
        ["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]],
        ["name": "APP", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['app']"]]],
        ["name": "C", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "color"]]],
        ["name": "T", "valueFrom": ["secretKeyRef": ["name": "keys", "key": "token"]]],
        ["name": "CPU", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu"]]],
        [
          "name": "MEM",
          "valueFrom": ["resourceFieldRef": ["resource": "limits.memory", "divisor": "1Mi"]],
        ],
        [
          "name": "NONE",
          "valueFrom": ["configMapKeyRef": ["name": "gone", "key": "x", "optional": true]],
        ],
      ],
    ]
    #expect(
      try resolve(container) == [
        "S_color=blue", "S_size=L", "A=1", "B=1L", "IP=10.53.0.7", "NODE=agent-0", "APP=web",
        "C=blue", "T=secret", "CPU=2", "MEM=64",
      ])
  }

  @Test(arguments: [
    ("configMapKeyRef", "gone", "x", "configmap \"gone\" not found"),
    ("secretKeyRef", "gone", "x", "secret \"gone\" not found"),
    ("configMapKeyRef", "settings", "x", "couldn't find key x in ConfigMap default/settings"),
    ("secretKeyRef", "keys", "x", "couldn't find key x in Secret default/keys"),
  ])
  func `a missing reference is told as Kubernetes tells it`(
    kind: String, name: String, key: String, message: String
  ) throws {
    let container: JSON = [
      "env": [
        ["name": "X", "valueFrom": [kind: ["name": .string(name), "key": .string(key)]]]
      ]
    ]
    let failure = #expect(throws: PodContext.Failure.self) {
      try context.environment(of: container)
    }
    #expect(failure?.description == message)
  }

  @Test func `volumes become files with their modes`() throws {
    var context = context
    context.pod["spec"]["volumes"] = [
      ["name": "tmp", "emptyDir": ["medium": "Memory", "sizeLimit": "1Mi"]],
      [
        "name": "cfg",
        "configMap": [
          "name": "settings", "items": [["key": "color", "path": "a/b", "mode": 256]],
        ],
      ],
      ["name": "sec", "secret": ["secretName": "keys", "defaultMode": 0o400]],
      [
        "name": "info",
        "downwardAPI": [
          "items": [["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]]]
        ],
      ],
    ]
    let volumes = try context.volumes()
    #expect(volumes.map(\.name) == ["tmp", "cfg", "sec", "info"])
    #expect(volumes[0].source == .emptyDirectory(isMemory: true, limit: 1 << 20))
    #expect(
      volumes[1].source == .files([.init(path: "a/b", bytes: Array("blue".utf8), mode: 256)]))
    #expect(
      volumes[2].source
        == .files([.init(path: "token", bytes: Array("secret".utf8), mode: 0o400)]))
    #expect(
      volumes[3].source
        == .files([
          .init(path: "labels", bytes: Array("app=\"web\"\ntier=\"front\"".utf8), mode: 0o644)
        ]))
  }

  @Test(arguments: ["../x", "/etc/passwd", "a/../../b", ""])
  func `a path that leaves its volume is refused`(path: String) {
    var context = context
    context.pod["spec"]["volumes"] = [
      [
        "name": "cfg",
        "configMap": [
          "name": "settings", "items": [["key": "color", "path": .string(path)]],
        ],
      ]
    ]
    #expect(throws: PodContext.Failure.self) { try context.volumes() }
  }

  @Test(
    arguments: [
      (nil, nil, "BestEffort"), ("1", nil, "Burstable"), ("1", "1", "Guaranteed"),
      (nil, "1", "Guaranteed"), ("500m", "1", "Burstable"),
    ] as [(String?, String?, String)])
  func `the quality of service follows requests and limits`(
    request: String?, limit: String?, expected: String
  ) {
    let object = pod { object in
      for resource in ["cpu", "memory"] {
        object["spec"]["containers"][0]["resources"]["requests"][resource] = JSON(request)
        object["spec"]["containers"][0]["resources"]["limits"][resource] = JSON(limit)
      }
    }
    #expect(PodSpecification(object: object).qosClass == expected)
  }
}
