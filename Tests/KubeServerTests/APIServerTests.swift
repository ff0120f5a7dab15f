import Kubernetes
import Linux
import Testing

@testable import KubeServer

/// An API server over a store in memory.
@Loop
struct API {
  let store: Store
  let server: APIServer

  init(limits: APIServer.Limits = APIServer.Limits(), capacity: Int = 4096) throws {
    var configuration = Store.Configuration(path: nil)
    configuration.eventCapacity = capacity
    store = try Store(configuration)
    server = APIServer(store: store, limits: limits)
  }

  func call(
    _ method: String, _ target: String, _ body: JSON? = nil,
    type: String = "application/json", accept: String = "application/json",
    user: UserInfo = .admin
  ) async -> APIResponse {
    var request = APIRequest(
      method: method, path: "",
      headers: ["content-type": type, "accept": accept, "user-agent": "test/1"],
      body: body?.bytes ?? [], user: user)
    request.setTarget(target)
    return await server.handle(request)
  }

  /// The status and the body of an answer.
  func json(
    _ method: String, _ target: String, _ body: JSON? = nil,
    type: String = "application/json", accept: String = "application/json",
    user: UserInfo = .admin
  ) async -> (status: Int, body: JSON) {
    let response = await call(method, target, body, type: type, accept: accept, user: user)
    guard case .bytes(let bytes) = response.body else { return (response.status, .null) }
    return (response.status, (try? JSON(parsing: bytes)) ?? .null)
  }
}

let tableType = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
let pods = "/api/v1/namespaces/default/pods"
let maps = "/api/v1/namespaces/default/configmaps"

@Loop
struct APIServerTests {
  let api: API

  init() throws { api = try API() }

  @Test func `an object goes through its life`() async {
    let (created, object) = await api.json("POST", pods, pod("a"))
    #expect(created == 201 && object["kind"] == "Pod" && object["apiVersion"] == "v1")
    let again = await api.json("POST", pods, pod("a"))
    #expect(again.status == 409 && again.body["reason"] == "AlreadyExists")
    #expect(again.body["message"] == "pods \"a\" already exists")
    var changed = object
    changed["metadata"]["labels"] = ["x": "y"]
    #expect(await api.json("PUT", "\(pods)/a", changed).status == 200)
    #expect(await api.json("PUT", "\(pods)/a", changed).status == 409)
    let deleted = await api.json("DELETE", "\(pods)/a")
    #expect(deleted.status == 200)
    let gone = await api.json("GET", "\(pods)/a")
    #expect(gone.status == 404 && gone.body["message"] == "pods \"a\" not found")
    #expect(gone.body["details"] == ["name": "a", "kind": "pods"])
  }

  @Test(arguments: [
    ("GET", "/api/v1/storageclasses", 404), ("GET", "/apis/storage.k8s.io/v1", 404),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/roles", 404), ("GET", "/nothing", 404),
    ("GET", "/api/v1/namespaces/default/nodes", 404), ("GET", "/api/v1/pods/a", 404),
    ("GET", "\(pods)/a/exec", 404), ("POST", "\(pods)/a", 405), ("PUT", pods, 405),
    ("POST", "/version", 403), ("GET", "/healthz", 200), ("GET", "/api", 200),
    ("GET", "/apis", 200), ("GET", "/apis/apps", 200), ("GET", "/apis/apps/v1", 200),
    ("GET", "/openapi/v3", 200), ("GET", "/openapi/v3/apis/apps/v1", 200),
    ("GET", "/openapi/v2", 200), ("GET", "/", 200),
  ])
  func `a path has its status`(method: String, path: String, status: Int) async {
    let user = method == "POST" && path == "/version" ? UserInfo(name: "x", groups: []) : .admin
    #expect(await api.json(method, path, user: user).status == status)
  }

  @Test(arguments: [
    ("not json", 400), ("{\"kind\":\"Service\",\"apiVersion\":\"v1\"}", 400), ("[]", 400),
    ("{\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"}}", 400),
    ("{\"metadata\":{\"name\":\"A\"}}", 422), ("{\"metadata\":{}}", 422),
    ("{\"data\":{\"a\":1},\"metadata\":{\"name\":\"a\"}}", 400),
  ])
  func `a bad body has its status`(body: String, status: Int) async {
    var request = APIRequest(method: "POST", path: maps, body: Array(body.utf8))
    request.headers["content-type"] = "application/json"
    #expect(await api.server.handle(request).status == status)
  }

  @Test func `a body that is too large is refused`() async throws {
    var limits = APIServer.Limits()
    limits.body = 100
    let small = try API(limits: limits)
    let map: JSON = [
      "metadata": ["name": "a"], "data": ["a": .string(String(repeating: "x", count: 200))],
    ]
    #expect(await small.json("POST", maps, map).status == 413)
  }

  @Test func `YAML is read as well`() async {
    let text = "metadata: {name: a}\ndata:\n  on: \"1\"\n  text: |\n    two\n    lines\n"
    var request = APIRequest(method: "POST", path: maps, body: Array(text.utf8))
    request.headers["content-type"] = "application/yaml"
    #expect(await api.server.handle(request).status == 201)
    let data = api.store.get(.configMaps, namespace: "default", name: "a")?["data"]
    #expect(data == ["on": "1", "text": "two\nlines\n"])
  }

  @Test(arguments: [("Strict", 400, 0), ("Warn", 201, 1), ("Ignore", 201, 0)])
  func `unknown fields are refused, warned of or ignored`(
    mode: String, status: Int, warnings: Int
  ) async {
    var object = pod("a")
    object["spec"]["restart"] = "no"
    let response = await api.call("POST", "\(pods)?fieldValidation=\(mode)", object)
    #expect(response.status == status)
    let found = response.headers.filter { $0.name == "Warning" }.map(\.value)
    #expect(
      found == Array(repeating: "299 - \"unknown field \\\"spec.restart\\\"\"", count: warnings))
    #expect(await api.call("GET", pods).headers.allSatisfy { $0.name != "Warning" })
  }

  @Test func `lists are selected, cut and continued`() async {
    for (index, app) in ["x", "y", "x", "x"].enumerated() {
      _ = await api.json("POST", pods, pod("p\(index)", labels: ["app": app]))
    }
    let selected = await api.json("GET", "\(pods)?labelSelector=app%3Dx").body
    #expect(selected["kind"] == "PodList" && selected["items"].elements.count == 3)
    let field = await api.json("GET", "/api/v1/pods?fieldSelector=metadata.name=p1").body
    #expect(field["items"].elements.count == 1)
    var names: [String] = []
    var token = ""
    repeat {
      let page = await api.json("GET", "\(pods)?limit=2&continue=\(token)").body
      names += page["items"].elements.compactMap { $0["metadata"]["name"].string }
      token = (page["metadata"]["continue"].string ?? "").replacing("+", with: "%2B")
    } while !token.isEmpty
    #expect(names == ["p0", "p1", "p2", "p3"])
    #expect(await api.json("GET", "\(pods)?continue=%21").status == 400)
    #expect(await api.json("GET", "\(pods)?labelSelector=%3D").status == 400)
  }

  @Test func `tables and metadata are other forms of the same`() async {
    _ = await api.json("POST", pods, pod("a"))
    let table = await api.json("GET", pods, accept: tableType).body
    #expect(table["kind"] == "Table")
    #expect(table["columnDefinitions"][0]["name"] == "Name")
    #expect(table["rows"][0]["cells"][0] == "a")
    #expect(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
    #expect(table["rows"][0]["object"]["spec"].isNull)
    let one = await api.json("GET", "\(pods)/a?includeObject=Object", accept: tableType).body
    #expect(one["rows"][0]["object"]["spec"].isNull == false)
    let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    let list = await api.json("GET", pods, accept: metadata).body
    #expect(list["kind"] == "PartialObjectMetadataList" && list["items"][0]["spec"].isNull)
    #expect(
      await api.json("GET", pods, accept: "application/vnd.kubernetes.protobuf").status == 406)
  }

  @Test(arguments: [
    ("application/merge-patch+json", #"{"metadata":{"labels":{"a":"b"}}}"#, 200),
    (
      "application/json-patch+json", #"[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]"#,
      200
    ),
    ("application/strategic-merge-patch+json", #"{"metadata":{"labels":{"a":"b"}}}"#, 200),
    ("application/json-patch+json", #"[{"op":"remove","path":"/none"}]"#, 422),
    ("application/json", "{}", 415),
    ("application/merge-patch+json", #"{"metadata":{"labels":{"a":"b b"}}}"#, 422),
    ("application/merge-patch+json", #"{"spec":{"nodeSelector":{"a":"b"}}}"#, 422),
  ])
  func `a patch of each type has its status`(type: String, patch: String, status: Int) async throws
  {
    _ = await api.json("POST", pods, pod("a"))
    let result = await api.json("PATCH", "\(pods)/a", try JSON(parsing: patch), type: type)
    #expect(result.status == status)
    if status == 200 { #expect(result.body["metadata"]["labels"] == ["a": "b"]) }
  }

  @Test func `status is a part of its own`() async {
    let created = await api.json("POST", pods, pod("a")).body
    var object = created
    object["status"]["phase"] = "Running"
    let main = await api.json("PUT", "\(pods)/a", object)
    #expect(main.body["status"]["phase"] == "Pending")
    object["metadata"]["resourceVersion"] = main.body["metadata"]["resourceVersion"]
    object["spec"]["nodeName"] = "elsewhere"
    let status = await api.json("PUT", "\(pods)/a/status", object)
    #expect(status.body["status"]["phase"] == "Running" && status.body["spec"]["nodeName"].isNull)
    let patched = await api.json(
      "PATCH", "\(pods)/a/status",
      ["status": ["conditions": [["type": "Ready", "status": "True"]]]],
      type: "application/strategic-merge-patch+json")
    #expect(patched.body["status"]["conditions"].elements.count == 1)
  }

  @Test func `pods are bound once and evicted`() async {
    _ = await api.json("POST", pods, pod("a"))
    let binding: JSON = ["metadata": ["name": "a"], "target": ["kind": "Node", "name": "n1"]]
    #expect(await api.json("POST", "\(pods)/a/binding", binding).status == 201)
    #expect(await api.json("POST", "\(pods)/a/binding", binding).status == 409)
    let bound = await api.json("GET", "\(pods)/a").body
    #expect(bound["spec"]["nodeName"] == "n1")
    #expect(Pod(json: bound).condition("PodScheduled")?.isTrue == true)
    #expect(await api.json("POST", "\(pods)/a/eviction", ["metadata": ["name": "a"]]).status == 201)
    #expect(
      await api.json("GET", "\(pods)/a").body["metadata"]["deletionTimestamp"].isNull == false)
  }

  static let definition: JSON = [
    "metadata": ["name": "widgets.example.com"],
    "spec": [
      "group": "example.com", "scope": "Namespaced",
      "names": ["plural": "widgets", "kind": "Widget", "shortNames": ["wd"]],
      "versions": [
        [
          "name": "v1", "served": true, "storage": true,
          "subresources": [
            "status": [:],
            "scale": ["specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count"],
          ],
          "additionalPrinterColumns": [
            ["name": "Size", "type": "integer", "jsonPath": ".spec.size"]
          ],
          "schema": [
            "openAPIV3Schema": [
              "type": "object",
              "properties": [
                "spec": [
                  "type": "object",
                  "properties": [
                    "size": ["type": "integer", "minimum": 1],
                    "color": ["type": "string", "default": "red"], "count": ["type": "integer"],
                  ],
                ],
                "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
              ],
            ]
          ],
        ]
      ],
    ],
  ]

  @Test func `a definition brings a resource that is served until it goes`() async {
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    let widgets = "/apis/example.com/v1/namespaces/default/widgets"
    #expect(await api.json("GET", widgets).status == 404)
    let made = await api.json("POST", definitions, Self.definition)
    #expect(made.status == 201 && made.body["status"]["acceptedNames"]["singular"] == "widget")
    let widget: JSON = ["metadata": ["name": "w"], "spec": ["size": 3, "typo": 1, "count": 2]]
    let created = await api.json("POST", widgets, widget)
    #expect(created.body["spec"] == ["size": 3, "color": "red", "count": 2])
    #expect(created.body["kind"] == "Widget" && created.body["metadata"]["generation"] == 1)
    let bad = await api.json("POST", widgets, ["metadata": ["name": "b"], "spec": ["size": 0]])
    #expect(bad.status == 422)
    #expect(
      bad.body["message"].string?.hasPrefix("Widget.example.com \"b\" is invalid: spec.size: ")
        == true)
    let table = await api.json("GET", widgets, accept: tableType).body
    #expect(table["rows"][0]["cells"] == ["w", 3])
    let scaled = await api.json(
      "PATCH", "\(widgets)/w/scale", ["spec": ["replicas": 5]],
      type: "application/merge-patch+json")
    #expect(scaled.body["kind"] == "Scale" && scaled.body["spec"]["replicas"] == 5)
    #expect(await api.json("GET", "\(widgets)/w").body["spec"]["count"] == 5)
    _ = await api.json("DELETE", "\(definitions)/widgets.example.com")
    #expect(await api.json("GET", widgets).status == 404)
    _ = await api.json("POST", definitions, Self.definition)
    #expect(await api.json("GET", widgets).body["items"].elements.isEmpty)
  }

  @Test func `Calico's two groups show one object`() async {
    let peers = "/apis/projectcalico.org/v3/bgppeers"
    let stored = "/apis/crd.projectcalico.org/v1/bgppeers"
    _ = await api.json("POST", peers, ["metadata": ["name": "edge"], "spec": ["asNumber": 64512]])
    let other = await api.json("GET", "\(stored)/edge").body
    #expect(other["apiVersion"] == "crd.projectcalico.org/v1" && other["spec"]["asNumber"] == 64512)
    let list = await api.json("GET", peers).body
    #expect(list["items"][0]["apiVersion"] == "projectcalico.org/v3")
    #expect(await api.json("POST", stored, ["metadata": ["name": "edge"]]).status == 409)
    _ = await api.json("DELETE", "\(stored)/edge")
    #expect(await api.json("GET", "\(peers)/edge").status == 404)
  }

  @Test func `events are the same in both of their groups`() async {
    let event: JSON = [
      "metadata": ["name": "e"], "reason": "Started", "note": "hello", "type": "Normal",
      "regarding": ["kind": "Pod", "name": "a"], "reportingController": "kubelet",
    ]
    let new = "/apis/events.k8s.io/v1/namespaces/default/events"
    #expect(await api.json("POST", new, event).status == 201)
    let core = await api.json("GET", "/api/v1/namespaces/default/events/e").body
    #expect(core["message"] == "hello" && core["involvedObject"]["name"] == "a")
    #expect(core["note"].isNull && core["apiVersion"] == "v1")
    #expect(await api.json("GET", "\(new)/e").body["note"] == "hello")
  }

  @Test func `server-side apply creates, merges and conflicts`() async {
    let apply = "application/apply-patch+yaml"
    let first: JSON = [
      "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "m"], "data": ["a": "1"],
    ]
    let created = await api.json("PATCH", "\(maps)/m?fieldManager=x", first, type: apply)
    #expect(created.status == 201)
    var other = first
    other["data"] = ["a": "2", "b": "1"]
    let conflict = await api.json("PATCH", "\(maps)/m?fieldManager=y", other, type: apply)
    #expect(conflict.status == 409)
    #expect(
      conflict.body["message"]
        == "Apply failed with 1 conflict: conflict with \"x\" using v1: .data.a")
    let forced = await api.json("PATCH", "\(maps)/m?fieldManager=y&force=true", other, type: apply)
    #expect(forced.body["data"] == ["a": "2", "b": "1"])
    let revision = api.store.revision
    _ = await api.json("PATCH", "\(maps)/m?fieldManager=y&force=true", other, type: apply)
    #expect(api.store.revision == revision)
    #expect(await api.json("PATCH", "\(maps)/m", first, type: apply).status == 400)
  }

  @Test(arguments: [
    ("system:node:n1", ["system:nodes"], "GET", pods, true),
    ("system:node:n1", ["system:nodes"], "POST", pods, false),
    ("system:node:n1", ["system:nodes"], "DELETE", "/api/v1/nodes/n1", false),
    ("system:node:n1", ["system:nodes"], "PATCH", "/api/v1/nodes/n1/status", true),
    ("system:node:n1", ["system:nodes"], "PATCH", "/api/v1/nodes/n2/status", false),
    ("system:node:n1", ["system:nodes"], "GET", "/apis/crd.projectcalico.org/v1/ipamblocks", true),
    ("atoll:edge", [], "PATCH", "/api/v1/namespaces/default/services/s/status", true),
    ("atoll:edge", [], "DELETE", "/api/v1/namespaces/default/services/s", false),
    ("atoll:edge", [], "GET", "/apis/projectcalico.org/v3/bgppeers", true),
    ("atoll:dns", [], "GET", "/apis/k8gb.io/v1beta1/gslbs", true),
    ("atoll:dns", [], "PATCH", "/apis/k8gb.io/v1beta1/namespaces/a/gslbs/g/status", true),
    ("atoll:dns", [], "PATCH", "/apis/k8gb.io/v1beta1/namespaces/a/gslbs/g", false),
    ("atoll:dns", [], "GET", "/api/v1/secrets", false),
    ("someone", ["system:authenticated"], "GET", pods, false),
    ("someone", ["system:authenticated"], "GET", "/apis", true),
    ("system:anonymous", ["system:unauthenticated"], "GET", "/apis", false),
    ("system:anonymous", ["system:unauthenticated"], "GET", "/readyz", true),
  ])
  func `users may do what their role allows`(
    name: String, groups: [String], method: String, path: String, isAllowed: Bool
  ) async {
    let user = UserInfo(name: name, groups: groups)
    let (status, body) = await api.json(
      method, path, [:], type: "application/merge-patch+json", user: user)
    #expect((status != 403) == isAllowed)
    if !isAllowed { #expect(body["message"].string?.contains("User \"\(name)\" cannot ") == true) }
  }

  @Test func `reviews answer what the caller may do`() async {
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    let spec: JSON = ["spec": ["resourceAttributes": ["verb": "delete", "resource": "nodes"]]]
    #expect(await api.json("POST", path, spec).body["status"]["allowed"] == true)
    let node = UserInfo(name: "system:node:n1", groups: ["system:nodes"])
    #expect(await api.json("POST", path, spec, user: node).body["status"]["allowed"] == false)
  }

  @Test func `discovery lists groups, resources and subresources`() async {
    let list = await api.json("GET", "/apis/apps/v1").body
    let names = list["resources"].elements.compactMap { $0["name"].string }
    #expect(names.contains("deployments") && names.contains("deployments/scale"))
    let aggregated = await api.call(
      "GET", "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    )
    #expect(aggregated.headers.first?.value.contains("g=apidiscovery.k8s.io") == true)
    let openAPI = await api.json("GET", "/openapi/v3/apis/apps/v1").body
    let patch = openAPI["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    #expect(patch["parameters"].elements.contains { $0["name"] == "fieldValidation" })
  }
}
