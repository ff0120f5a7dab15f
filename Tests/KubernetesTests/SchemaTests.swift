import Kubernetes
import Testing

struct SchemaTests {
  static let deployment = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")

  @Test func `unknown fields are named by their path`() {
    let findings = Schema.check(
      [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a", "lables": [:]],
        "spec": [
          "replica": 1,
          "template": ["spec": ["containers": [["name": "a", "prots": [], "image": "x"]]]],
        ],
      ], Self.deployment)
    #expect(
      findings.unknown
        == ["metadata.lables", "spec.replica", "spec.template.spec.containers[0].prots"])
    #expect(findings.mistyped.isEmpty)
  }

  @Test(
    arguments: [
      (
        ["spec": ["replicas": "3"]],
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
      ),
      (
        ["spec": ["paused": 1]],
        "json: cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool"
      ),
      (
        ["metadata": ["labels": ["a": 1]]],
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels.a of type string"
      ),
      (
        ["spec": ["template": ["spec": ["containers": ["name": "x"]]]]],
        "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"
      ),
    ] as [(JSON, String)])
  func `a value of the wrong type is refused in Kubernetes' words`(object: JSON, text: String) {
    #expect(Schema.check(object, Self.deployment).mistyped == [text])
  }

  static let widget = StructuralSchema([
    "type": "object",
    "properties": [
      "spec": [
        "type": "object", "required": ["size"],
        "properties": [
          "size": ["type": "integer", "minimum": 1, "maximum": 9],
          "color": ["type": "string", "enum": ["red", "green"], "default": "red"],
          "name": ["type": "string", "pattern": "^[a-z]+$", "maxLength": 4],
          "port": ["x-kubernetes-int-or-string": true],
          "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
          "tags": ["type": "array", "items": ["type": "string"], "maxItems": 2],
          "limits": ["type": "object", "additionalProperties": ["type": "integer"]],
        ],
      ]
    ],
  ])

  @Test func `a custom resource gets defaults and loses what is unknown`() {
    var object: JSON = [
      "apiVersion": "v", "kind": "W", "metadata": ["name": "a"], "extra": 1,
      "spec": ["size": 1, "typo": 1, "free": ["any": [1]], "limits": ["x": 1]],
    ]
    let dropped = Self.widget.prune(&object)
    Self.widget.fillDefaults(&object)
    #expect(dropped == ["extra", "spec.typo"])
    #expect(
      object["spec"]
        == ["size": 1, "color": "red", "free": ["any": [1]], "limits": ["x": 1]])
    #expect(Self.widget.problems(object).isEmpty)
  }

  @Test(
    arguments: [
      (["spec": [:]], "spec.size: Required value"),
      (
        ["spec": ["size": 0]],
        "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
      ),
      (
        ["spec": ["size": "1"]],
        "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""
      ),
      (
        ["spec": ["size": 1, "color": "blue"]],
        "spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\""
      ),
      (
        ["spec": ["size": 1, "name": "A"]],
        "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'"
      ),
      (
        ["spec": ["size": 1, "name": "abcde"]],
        "spec.name: Invalid value: \"abcde\": spec.name in body should be at most 4 chars long"
      ),
      (
        ["spec": ["size": 1, "tags": ["a", "b", "c"]]],
        "spec.tags: Invalid value: 3: spec.tags in body should have at most 2 items"
      ),
      (
        ["spec": ["size": 1, "limits": ["x": "y"]]],
        "spec.limits.x: Invalid value: \"string\": spec.limits.x in body must be of type integer: \"string\""
      ),
    ] as [(JSON, String)])
  func `a custom resource that breaks its schema is refused`(object: JSON, text: String) {
    #expect(Self.widget.problems(object).map(\.description) == [text])
  }

  @Test(arguments: [
    ("a", true), ("a-b.c", true), ("A", false), ("-a", false), ("a..b", false), ("", false),
    (String(repeating: "a", count: 254), false),
  ])
  func `a name is an RFC 1123 subdomain`(name: String, isValid: Bool) {
    #expect(Validation.isSubdomain(name) == isValid)
  }

  @Test(arguments: [
    ("app", true), ("example.com/app", true), ("a/b/c", false), ("/a", false), ("-a", false),
    ("A_b.c", true),
  ])
  func `a label's key is a qualified name`(key: String, isValid: Bool) {
    #expect(Validation.isQualifiedName(key) == isValid)
  }

  @Test(
    arguments: [
      (["metadata": ["name": "d"]], "spec.selector: Required value"),
      (["metadata": ["name": "d"]], "spec.template.spec.containers: Required value"),
      (
        ["metadata": ["name": "D"]],
        "metadata.name: Invalid value: \"D\": \(Validation.subdomainRule)"
      ),
      (
        ["metadata": ["name": "d"], "spec": ["replicas": -1]],
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
      ),
      (
        [
          "metadata": ["name": "d"],
          "spec": [
            "template": [
              "spec": [
                "containers": [["name": "a", "image": "x", "volumeMounts": [["name": "v"]]]]
              ]
            ]
          ],
        ],
        "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"v\""
      ),
      (
        [
          "metadata": ["name": "d"],
          "spec": ["template": ["spec": ["containers": [["name": "a"]]]]],
        ],
        "spec.template.spec.containers[0].image: Required value"
      ),
    ] as [(JSON, String)])
  func `a deployment that lacks something is refused`(object: JSON, text: String) {
    let problems = Validation.problems(creating: object, .deployments).map(\.description)
    #expect(problems.contains(text))
  }

  @Test func `a selector does not change`() {
    func object(_ app: String) -> JSON {
      [
        "metadata": ["name": "d"],
        "spec": [
          "selector": ["matchLabels": ["app": .string(app)]],
          "template": [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": ["containers": [["name": "a", "image": "x"]]],
          ],
        ],
      ]
    }
    let problems = Validation.problems(updating: object("b"), from: object("a"), .deployments)
    #expect(
      problems.map(\.description)
        == ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"b\"}}: field is immutable"])
  }

  @Test(arguments: [
    ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.2", "IfNotPresent"),
    ("host:5000/nginx", "Always"), ("nginx@sha256:ab", "IfNotPresent"),
  ])
  func `the pull policy follows the tag`(image: String, policy: String) {
    var pod: JSON = ["spec": ["containers": [["name": "a", "image": .string(image)]]]]
    Defaulting.apply(to: &pod, .pods)
    #expect(pod["spec"]["containers"][0]["imagePullPolicy"].string == policy)
    #expect(pod["spec"]["dnsPolicy"] == "ClusterFirst")
    #expect(pod["spec"]["terminationGracePeriodSeconds"] == 30)
  }
}
