import Kubernetes
import Testing

struct PatchTests {
  /// Cases after RFC 7386 appendix A.
  @Test(
    arguments: [
      (["a": "b"], ["a": "c"], ["a": "c"]), (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
      (["a": "b"], ["a": .null], [:]), (["a": "b", "b": "c"], ["a": .null], ["b": "c"]),
      (["a": ["b"]], ["a": "c"], ["a": "c"]),
      (
        ["a": ["b": "c"]], ["a": ["b": "d", "c": .null]],
        ["a": ["b": "d"]]
      ),
      (["a": [["b": "c"]]], ["a": [1]], ["a": [1]]), (["a": "foo"], "bar", "bar"),
      ([1, 2], ["a": "b", "c": .null], ["a": "b"]),
      (
        [:], ["a": ["bb": ["ccc": .null]]],
        ["a": ["bb": [:]]]
      ),
    ] as [(JSON, JSON, JSON)])
  func `a merge patch does what RFC 7386 says`(target: JSON, patch: JSON, result: JSON) {
    var json = target
    json.merge(patch)
    #expect(json == result)
  }

  /// Cases after RFC 6902 appendix A.
  @Test(arguments: [
    (
      #"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#,
      #"{"baz":"qux","foo":"bar"}"#
    ),
    (
      #"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
      #"{"foo":["bar","qux","baz"]}"#
    ),
    (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
    (#"{"foo":["a","b","c"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["a","c"]}"#),
    (#"{"baz":"qux"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo"}"#),
    (
      #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{}}"#,
      #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
      #"{"foo":{"bar":"baz"},"qux":{"thud":"fred"}}"#
    ),
    (
      #"{"foo":["a","b","c"]}"#, #"[{"op":"move","from":"/foo/0","path":"/foo/2"}]"#,
      #"{"foo":["b","c","a"]}"#
    ),
    (
      #"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#,
      #"{"a":{"b":1},"c":{"b":1}}"#
    ),
    (
      #"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["x"]}]"#,
      #"{"foo":["bar",["x"]]}"#
    ),
    (
      #"{"a/b":1,"m~n":2}"#,
      #"[{"op":"replace","path":"/a~1b","value":3},{"op":"remove","path":"/m~0n"}]"#,
      #"{"a/b":3}"#
    ),
    (
      #"{"a":1}"#, #"[{"op":"test","path":"/a","value":1.0},{"op":"add","path":"","value":[]}]"#,
      "[]"
    ),
  ])
  func `a JSON patch does what RFC 6902 says`(target: String, patch: String, result: String) throws
  {
    var json = try JSON(parsing: target)
    try JSONPatch(json: JSON(parsing: patch)).apply(to: &json)
    #expect(json.text == result)
  }

  @Test(arguments: [
    #"[{"op":"remove","path":"/x"}]"#, #"[{"op":"replace","path":"/x","value":1}]"#,
    #"[{"op":"add","path":"/x/y","value":1}]"#, #"[{"op":"test","path":"/a","value":2}]"#,
    #"[{"op":"add","path":"/l/9","value":1}]"#, #"[{"op":"add","path":"/l/01","value":1}]"#,
    #"[{"op":"move","from":"/a","path":"/a/b"}]"#, #"[{"op":"jump","path":"/a"}]"#,
    #"[{"op":"add","path":"a","value":1}]"#, #"[{"op":"add","path":"/a"}]"#, #"{"op":"add"}"#,
    #"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#,
  ])
  func `a JSON patch that does not fit changes nothing`(patch: String) throws {
    let target: JSON = ["a": 1, "l": [1]]
    var json = target
    #expect(throws: PatchError.self) {
      try JSONPatch(json: JSON(parsing: patch)).apply(to: &json)
    }
    #expect(json == target)
  }

  static let pod: JSON = [
    "metadata": ["labels": ["a": "1"], "finalizers": ["x/y"]],
    "spec": [
      "containers": [
        ["name": "a", "image": "a:1", "args": ["1", "2"], "env": [["name": "E", "value": "1"]]],
        ["name": "b", "image": "b:1", "ports": [["containerPort": 80, "protocol": "TCP"]]],
      ],
      "tolerations": [["key": "k"]],
      "volumes": [["name": "v", "emptyDir": [:]]],
    ],
  ]

  @Test(arguments: [
    // Containers by name, their env by name.
    (
      #"{"spec":{"containers":[{"name":"a","env":[{"name":"F","value":"2"}]}]}}"#,
      "spec.containers",
      #"[{"args":["1","2"],"env":[{"name":"E","value":"1"},{"name":"F","value":"2"}],"image":"a:1","name":"a"},{"image":"b:1","name":"b","ports":[{"containerPort":80,"protocol":"TCP"}]}]"#
    ),
    (
      #"{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}"#, "spec.containers",
      #"[{"image":"b:1","name":"b","ports":[{"containerPort":80,"protocol":"TCP"}]}]"#
    ),
    (
      #"{"spec":{"containers":[{"name":"c","image":"c:1"},{"$patch":"replace"}]}}"#,
      "spec.containers", #"[{"image":"c:1","name":"c"}]"#
    ),
    // An order, with a new element in front.
    (
      #"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c"},{"name":"a","args":null,"env":null},{"name":"b","ports":null}]}}"#,
      "spec.containers",
      #"[{"name":"c"},{"image":"b:1","name":"b"},{"image":"a:1","name":"a"}]"#
    ),
    // Ports by containerPort.
    (
      #"{"spec":{"containers":[{"name":"b","ports":[{"containerPort":80,"name":"http"},{"containerPort":81}]}]}}"#,
      "spec.containers",
      #"[{"args":["1","2"],"env":[{"name":"E","value":"1"}],"image":"a:1","name":"a"},{"image":"b:1","name":"b","ports":[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":81}]}]"#
    ),
    // Lists without a key are replaced.
    (#"{"spec":{"tolerations":[{"key":"z"}]}}"#, "spec.tolerations", #"[{"key":"z"}]"#),
    (
      #"{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/x"},"emptyDir":null}]}}"#,
      "spec.volumes", #"[{"hostPath":{"path":"/x"},"name":"v"}]"#
    ),
    (#"{"metadata":{"labels":{"a":null,"b":"2"}}}"#, "metadata.labels", #"{"b":"2"}"#),
    (#"{"metadata":{"labels":{"$patch":"replace","c":"3"}}}"#, "metadata.labels", #"{"c":"3"}"#),
    (#"{"metadata":{"finalizers":["z/w"]}}"#, "metadata.finalizers", #"["x/y","z/w"]"#),
    (#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["x/y"]}}"#, "metadata.finalizers", "[]"),
  ])
  func `a strategic merge patch merges lists by their keys`(
    patch: String, path: String, result: String
  ) throws {
    var json = Self.pod
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    try json.strategicMerge(JSON(parsing: patch), Schema.shape(of: kind))
    #expect(json.at(path).text == result)
  }

  @Test func `an element without its key is refused`() throws {
    var json = Self.pod
    let kind = GroupVersionKind(group: "", version: "v1", kind: "Pod")
    let error = #expect(throws: PatchError.self) {
      try json.strategicMerge(
        ["spec": ["containers": [["image": "x"]]]], Schema.shape(of: kind))
    }
    #expect(error?.description.contains("does not contain declared merge key: name") == true)
  }
}
