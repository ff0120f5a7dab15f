import Kubernetes
import Testing

struct TableTests {
  static let now = Timestamp(unixSeconds: 1_700_000_000)

  /// The rows of objects of a kind as kubectl prints them, cells joined by " | ".
  func text(_ group: String, _ plural: String, _ objects: [JSON], wide: Bool = false) -> [String] {
    let types = ResourceTypes()
    let version = "v1"
    guard let type = types.type(group: group, version: version, plural: plural) else { return [] }
    let table = Table(type)
    let shown = table.columns.indices.filter { wide || table.columns[$0].priority == 0 }
    let head = shown.map { table.columns[$0].name.uppercased() }.joined(separator: " | ")
    return [head]
      + objects.map { object in
        let cells = table.row(object, at: Self.now, .none)["cells"].elements
        return shown.map { cells[$0].string ?? cells[$0].text }.joined(separator: " | ")
      }
  }

  func metadata(_ name: String, age: Int64) -> JSON {
    [
      "name": .string(name),
      "creationTimestamp": .string(
        Timestamp(unixSeconds: Self.now.unixSeconds - age).description),
    ]
  }

  @Test func `pods print as kubectl prints them`() {
    let running: JSON = [
      "metadata": metadata("web-1", age: 125),
      "spec": ["nodeName": "n1", "containers": [["name": "a"], ["name": "b"]]],
      "status": [
        "phase": "Running", "podIP": "10.53.0.2",
        "conditions": [["type": "Ready", "status": "True"]],
        "containerStatuses": [
          [
            "name": "a", "ready": true, "restartCount": 2, "state": ["running": [:]],
            "lastState": ["terminated": ["finishedAt": "2023-11-14T22:12:20Z"]],
          ], ["name": "b", "ready": true, "restartCount": 0, "state": ["running": [:]]],
        ],
      ],
    ]
    var leaving = running
    leaving["metadata"]["name"] = "web-2"
    leaving["metadata"]["deletionTimestamp"] = "2023-11-14T22:12:20Z"
    let failing: JSON = [
      "metadata": metadata("web-3", age: 5), "spec": ["containers": [["name": "a"]]],
      "status": [
        "phase": "Pending",
        "containerStatuses": [
          ["name": "a", "ready": false, "state": ["waiting": ["reason": "ImagePullBackOff"]]]
        ],
      ],
    ]
    let done: JSON = [
      "metadata": metadata("job-1", age: 7200), "spec": ["containers": [["name": "a"]]],
      "status": [
        "phase": "Succeeded",
        "containerStatuses": [
          ["name": "a", "state": ["terminated": ["reason": "Completed", "exitCode": 0]]]
        ],
      ],
    ]
    let starting: JSON = [
      "metadata": metadata("init-1", age: 1),
      "spec": ["containers": [["name": "a"]], "initContainers": [["name": "i"], ["name": "j"]]],
      "status": [
        "phase": "Pending",
        "initContainerStatuses": [
          ["name": "i", "state": ["terminated": ["exitCode": 0]]],
          ["name": "j", "state": ["running": [:]]],
        ],
      ],
    ]
    #expect(
      text("", "pods", [running, leaving, failing, done, starting]) == [
        "NAME | READY | STATUS | RESTARTS | AGE",
        "web-1 | 2/2 | Running | 2 (60s ago) | 2m5s",
        "web-2 | 2/2 | Terminating | 2 (60s ago) | 2m5s",
        "web-3 | 0/1 | ImagePullBackOff | 0 | 5s",
        "job-1 | 0/1 | Completed | 0 | 120m",
        "init-1 | 0/1 | Init:1/2 | 0 | 1s",
      ])
    #expect(
      text("", "pods", [running], wide: true)[1]
        == "web-1 | 2/2 | Running | 2 (60s ago) | 2m5s | 10.53.0.2 | n1 | <none> | <none>")
  }

  @Test func `nodes print as kubectl prints them`() {
    var metadata = metadata("server-0", age: 90_000)
    metadata["labels"] = ["node-role.kubernetes.io/control-plane": "true"]
    let node: JSON = [
      "metadata": metadata, "spec": ["unschedulable": true],
      "status": [
        "conditions": [["type": "Ready", "status": "True"]],
        "addresses": [["type": "InternalIP", "address": "172.19.0.2"]],
        "nodeInfo": [
          "kubeletVersion": "v1.32.0", "osImage": "Linux", "kernelVersion": "6.1",
          "containerRuntimeVersion": "runc://1.1",
        ],
      ],
    ]
    #expect(
      text("", "nodes", [node], wide: true) == [
        "NAME | STATUS | ROLES | AGE | VERSION | INTERNAL-IP | EXTERNAL-IP | OS-IMAGE |"
          + " KERNEL-VERSION | CONTAINER-RUNTIME",
        "server-0 | Ready,SchedulingDisabled | control-plane | 25h | v1.32.0 | 172.19.0.2 | <none>"
          + " | Linux | 6.1 | runc://1.1",
      ])
  }

  @Test func `services print as kubectl prints them`() {
    func service(_ name: String, _ spec: JSON, _ status: JSON = [:]) -> JSON {
      ["metadata": metadata(name, age: 60), "spec": spec, "status": status]
    }
    let objects = [
      service(
        "a",
        [
          "type": "ClusterIP", "clusterIP": "10.43.0.9",
          "ports": [["port": 80], ["port": 53, "protocol": "UDP"]],
          "selector": ["app": "a"],
        ]),
      service(
        "b",
        [
          "type": "LoadBalancer", "clusterIP": "10.43.0.8",
          "ports": [["port": 80, "nodePort": 30080]],
        ]),
      service(
        "c",
        ["type": "LoadBalancer", "clusterIP": "10.43.0.7", "ports": [["port": 80]]],
        ["loadBalancer": ["ingress": [["ip": "10.10.2.11"]]]]),
      service("d", ["type": "ExternalName", "externalName": "x.example.com"]),
      service("e", ["clusterIP": "None"]),
    ]
    #expect(
      text("", "services", objects, wide: true) == [
        "NAME | TYPE | CLUSTER-IP | EXTERNAL-IP | PORT(S) | AGE | SELECTOR",
        "a | ClusterIP | 10.43.0.9 | <none> | 80/TCP,53/UDP | 60s | app=a",
        "b | LoadBalancer | 10.43.0.8 | <pending> | 80:30080/TCP | 60s | <none>",
        "c | LoadBalancer | 10.43.0.7 | 10.10.2.11 | 80/TCP | 60s | <none>",
        "d | ExternalName | <none> | x.example.com | <none> | 60s | <none>",
        "e | ClusterIP | None | <none> | <none> | 60s | <none>",
      ])
  }

  @Test func `deployments print as kubectl prints them`() {
    let object: JSON = [
      "metadata": metadata("web", age: 3600),
      "spec": [
        "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
        "template": [
          "spec": ["containers": [["name": "a", "image": "x:1"], ["name": "b", "image": "y"]]]
        ],
      ],
      "status": ["readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2],
    ]
    #expect(
      text("apps", "deployments", [object], wide: true) == [
        "NAME | READY | UP-TO-DATE | AVAILABLE | AGE | CONTAINERS | IMAGES | SELECTOR",
        "web | 2/3 | 3 | 2 | 60m | a,b | x:1,y | app=web",
      ])
  }

  @Test(
    arguments: [
      (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (600, "10m"), (10_799, "179m"),
      (10_800, "3h"), (11_100, "3h5m"), (28_800, "8h"), (172_799, "47h"), (172_800, "2d"),
      (180_000, "2d2h"), (691_200, "8d"), (63_072_000, "2y"), (70_000_000, "2y80d"),
      (-5, "<invalid>"),
    ] as [(Int64, String)])
  func `an age has two units at most`(seconds: Int64, text: String) {
    #expect(Age.text(seconds: seconds) == text)
  }

  @Test(
    arguments: [
      (".spec.size", ["3"]), ("{.spec.size}", ["3"]), (".spec.list[1]", ["b"]),
      (".spec.list[*]", ["a", "b"]), (".spec.list[-1]", ["b"]), (".spec.none", []),
      (".status.conditions[?(@.type==\"Ready\")].status", ["True"]),
      (".status.conditions[?(@.type == 'Ready')].status", ["True"]),
      (".metadata.labels['a.b/c']", ["x"]), (".metadata.labels.a\\.b/c", ["x"]), ("spec", []),
    ] as [(String, [String])])
  func `a simple JSONPath finds its values`(path: String, values: [String]) {
    let object: JSON = [
      "metadata": ["labels": ["a.b/c": "x"]], "spec": ["size": 3, "list": ["a", "b"]],
      "status": [
        "conditions": [["type": "X", "status": "False"], ["type": "Ready", "status": "True"]]
      ],
    ]
    #expect(FieldPath(path).values(in: object).map { $0.string ?? $0.text } == values)
  }
}
