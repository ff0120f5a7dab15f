import Kubernetes
import Testing

struct ManagedFieldsTests {
  let shape = Schema.shape(of: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"))

  func entry(_ manager: String, _ operation: String = "Apply") -> ManagedFields.Entry {
    ManagedFields.Entry(
      manager: manager, operation: operation, apiVersion: "apps/v1", time: "2024-01-01T00:00:00Z")
  }

  func deployment(_ containers: JSON, replicas: JSON = .null) -> JSON {
    var json: JSON = [
      "metadata": ["name": "d"], "spec": ["template": ["spec": ["containers": containers]]],
    ]
    json["spec"]["replicas"] = replicas
    return json
  }

  /// Applies to an object with its managed fields, as the server does.
  func apply(
    _ configuration: JSON, to live: inout JSON, by manager: String, force: Bool = false
  ) throws(APIStatus) {
    var managed = ManagedFields(of: live)
    live = try managed.apply(
      configuration, to: live, by: entry(manager), force: force, shape)
    managed.write(to: &live)
  }

  @Test func `two managers own different fields of one container`() throws {
    var live: JSON = [:]
    try apply(deployment([["name": "a", "image": "a:1"]], replicas: 2), to: &live, by: "x")
    try apply(deployment([["name": "a", "workingDir": "/w"]]), to: &live, by: "y")
    #expect(live.at("spec.replicas") == 2)
    #expect(
      live.at("spec.template.spec.containers")
        == [["name": "a", "image": "a:1", "workingDir": "/w"]])
    let entries = live["metadata"]["managedFields"].elements
    #expect(entries.compactMap { $0["manager"].string } == ["x", "y"])
    #expect(
      entries[1]["fieldsV1"].text
        == #"{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:workingDir":{}}}}}}}"#
    )
  }

  @Test func `another value for another's field is a conflict, worded as kubectl shows it`() throws
  {
    var live: JSON = [:]
    try apply(deployment([["name": "a", "image": "a:1"]], replicas: 2), to: &live, by: "x")
    let before = live
    let error = #expect(throws: APIStatus.self) {
      try apply(deployment([["name": "a", "image": "a:2"]], replicas: 3), to: &live, by: "y")
    }
    #expect(live == before)
    #expect(error?.code == 409)
    #expect(
      error?.message
        == "Apply failed with 2 conflicts: conflicts with \"x\" using apps/v1:\n- .spec.replicas\n"
        + "- .spec.template.spec.containers[name=\"a\"].image")
    let one = #expect(throws: APIStatus.self) {
      try apply(deployment([["name": "a"]], replicas: 3), to: &live, by: "y")
    }
    #expect(
      one?.message
        == "Apply failed with 1 conflict: conflict with \"x\" using apps/v1: .spec.replicas")
    #expect(one?.details["causes"][0]["reason"] == "FieldManagerConflict")
  }

  @Test func `the same value is shared, and force takes over`() throws {
    var live: JSON = [:]
    try apply(deployment([["name": "a", "image": "a:1"]], replicas: 2), to: &live, by: "x")
    try apply(deployment([["name": "a"]], replicas: 2), to: &live, by: "y")
    try apply(deployment([["name": "a"]], replicas: 5), to: &live, by: "y", force: true)
    #expect(live.at("spec.replicas") == 5)
    let owner = ManagedFields(of: live).entries.filter {
      $0.fields.contains(["f:spec", "f:replicas"])
    }
    #expect(owner.map(\.manager) == ["y"])
  }

  @Test func `a field that is no longer applied goes, unless another owns it`() throws {
    var live: JSON = [:]
    let both: JSON = [["name": "a", "image": "a:1"], ["name": "b", "image": "b:1"]]
    try apply(deployment(both, replicas: 2), to: &live, by: "x")
    try apply(deployment([["name": "b", "image": "b:1"]], replicas: 2), to: &live, by: "y")
    try apply(deployment([["name": "c", "image": "c:1"]]), to: &live, by: "x")
    let names = live.at("spec.template.spec.containers").elements.compactMap { $0["name"].string }
    #expect(names == ["b", "c"])
    #expect(live.at("spec.replicas") == 2)
  }

  @Test func `an update takes over what it changes`() throws {
    var live: JSON = [:]
    try apply(deployment([["name": "a", "image": "a:1"]], replicas: 2), to: &live, by: "x")
    var changed = live
    changed["spec"]["replicas"] = 4
    var managed = ManagedFields(of: live)
    managed.recordUpdate(by: entry("scaler", "Update"), from: live, to: changed, shape)
    managed.write(to: &changed)
    let error = #expect(throws: APIStatus.self) {
      try apply(
        deployment([["name": "a", "image": "a:1"]], replicas: 2), to: &changed, by: "x")
    }
    #expect(
      error?.message.contains("conflict with \"scaler\" using apps/v1: .spec.replicas") == true)
  }

  @Test func `fields come back from fieldsV1 as they were`() throws {
    let live = deployment(
      [["name": "a", "ports": [["containerPort": 80]], "args": ["x"]]], replicas: 1)
    let fields = ManagedFields.fields(of: live, shape, status: false)
    #expect(FieldSet(json: fields.json) == fields)
    #expect(
      fields.contains([
        "f:spec", "f:template", "f:spec", "f:containers", "k:{\"name\":\"a\"}", "f:ports",
        "k:{\"containerPort\":80,\"protocol\":\"TCP\"}", "f:containerPort",
      ]))
  }
}

struct FieldChangesTests {
  let shape = Schema.shape(of: GroupVersionKind(group: "", version: "v1", kind: "Pod"))

  func recorded(from old: String, to new: String) throws -> String {
    var managed = ManagedFields(of: [:])
    managed.recordUpdate(
      by: ManagedFields.Entry(manager: "m", operation: "Update", apiVersion: "v1", time: "t"),
      from: try JSON(parsing: old), to: try JSON(parsing: new), shape)
    return managed.entries.first?.fields.json.text ?? ""
  }

  @Test(arguments: [
    ("null", #"{"spec":{"nodeName":"a"}}"#, #"{"f:spec":{"f:nodeName":{}}}"#),
    (#"{"spec":{"nodeName":"a"}}"#, #"{"spec":{"nodeName":"a"}}"#, ""),
    (
      #"{"spec":{"nodeName":"a"}}"#, #"{"spec":{"nodeName":"b","priority":1}}"#,
      #"{"f:spec":{"f:nodeName":{},"f:priority":{}}}"#
    ),
    (
      #"{"spec":{"containers":[{"name":"a","image":"x"}]}}"#,
      #"{"spec":{"containers":[{"name":"a","image":"y"},{"name":"b"}]}}"#,
      #"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}}"#
    ),
    (
      #"{"metadata":{"finalizers":["a"]}}"#, #"{"metadata":{"finalizers":["a","b"]}}"#,
      #"{"f:metadata":{"f:finalizers":{"v:\"b\"":{}}}}"#
    ),
    (#"{"spec":{"nodeName":"a"}}"#, #"{"spec":{}}"#, #"{"f:spec":{}}"#),
    (#"{"status":{"phase":"a"}}"#, #"{"status":{"phase":"b"}}"#, ""),
  ])
  func `only what changed is recorded`(old: String, new: String, fields: String) throws {
    #expect(try recorded(from: old, to: new) == fields)
  }
}
