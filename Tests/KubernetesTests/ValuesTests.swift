import Kubernetes
import Testing

struct ValuesTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
      (1_700_000_000, "2023-11-14T22:13:20Z"), (-1, "1969-12-31T23:59:59Z"),
      (4_102_444_799, "2099-12-31T23:59:59Z"), (1_709_164_800, "2024-02-29T00:00:00Z"),
    ] as [(Int64, String)])
  func `a timestamp is RFC 3339 both ways`(seconds: Int64, text: String) {
    #expect(Timestamp(unixSeconds: seconds).description == text)
    #expect(Timestamp(text) == Timestamp(unixSeconds: seconds))
  }

  @Test func `fractions and offsets are read`() {
    let time = Timestamp("2023-11-14T23:13:20.25+01:00")
    #expect(time == Timestamp(unixSeconds: 1_700_000_000, microseconds: 250_000))
    #expect(time?.microText == "2023-11-14T22:13:20.250000Z")
  }

  @Test(arguments: ["", "2023-11-14", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20", "x"])
  func `what is no timestamp is refused`(text: String) { #expect(Timestamp(text) == nil) }

  @Test(
    arguments: [
      ("1", 1000), ("500m", 500), ("0.5", 500), ("1Ki", 1_024_000), ("128Mi", 134_217_728_000),
      ("1k", 1_000_000), ("1e3", 1_000_000), ("2.5Gi", 2_684_354_560_000), ("100u", 1),
      ("-1", -1000),
    ] as [(String, Int64)])
  func `a quantity counts thousandths`(text: String, milli: Int64) {
    #expect(Quantity(text)?.milli == milli)
  }

  @Test(arguments: ["", "abc", "1KiB", "Mi", "1..2", "1e", "--1"])
  func `what is no quantity is refused`(text: String) { #expect(Quantity(text) == nil) }

  @Test func `a quantity too large stays at the limit`() {
    #expect(Quantity("99999999999Ei")?.milli == .max)
    #expect((Quantity(milli: .max) + Quantity(milli: 1)).milli == .max)
  }

  @Test(arguments: [
    ("app=web", true), ("app==web", true), ("app!=web", false), ("tier!=x", true), ("app", true),
    ("!app", false), ("!tier", true), ("app in (web, api)", true), ("app in (api)", false),
    ("app notin (api)", true), ("tier notin (x)", true), ("app=web,env=prod", true),
    ("app=web,env=test", false), ("n>3", true), ("n<3", false), ("", true),
  ])
  func `a selector's text says what matches`(text: String, isMatch: Bool) throws {
    let labels = ["app": "web", "env": "prod", "n": "5"]
    #expect(try LabelSelector(parsing: text).matches(labels) == isMatch)
  }

  @Test(arguments: ["=x", "a in x", "a=b=c", "a in (x", "a b", "!"])
  func `a selector that cannot be read is an error`(text: String) {
    #expect(throws: SelectorError.self) { try LabelSelector(parsing: text) }
  }

  @Test func `a selector of an object has labels and expressions`() throws {
    let selector = try LabelSelector(json: [
      "matchLabels": ["app": "web"],
      "matchExpressions": [["key": "env", "operator": "In", "values": ["prod", "test"]]],
    ])
    #expect(selector.matches(["app": "web", "env": "test"]))
    #expect(!selector.matches(["app": "web"]))
    #expect(selector.text == "app=web,env in (prod,test)")
  }

  @Test func `a field selector compares texts`() throws {
    let selector = try FieldSelector(parsing: "spec.nodeName=n1,status.phase!=Failed")
    #expect(selector.matches(["spec": ["nodeName": "n1"]]))
    #expect(!selector.matches(["spec": ["nodeName": "n1"], "status": ["phase": "Failed"]]))
  }

  @Test func `a condition keeps its time while its status stays`() {
    var node = Node(json: [:])
    node.setCondition(Condition(type: "Ready", status: true, at: Timestamp(unixSeconds: 1)))
    node.setCondition(
      Condition(type: "Ready", status: true, reason: "X", at: Timestamp(unixSeconds: 2)))
    #expect(node.condition("Ready")?.lastTransitionTime == Timestamp(unixSeconds: 1))
    #expect(node.condition("Ready")?.reason == "X")
    node.setCondition(Condition(type: "Ready", status: false, at: Timestamp(unixSeconds: 3)))
    #expect(node.condition("Ready")?.lastTransitionTime == Timestamp(unixSeconds: 3))
  }

  @Test(
    arguments: [
      (IntOrString.int(3), 10, true, 3), (.string("25%"), 10, true, 3),
      (.string("25%"), 10, false, 2),
      (.string("x"), 10, true, nil), (.string("-5%"), 10, true, nil),
    ] as [(IntOrString, Int, Bool, Int?)])
  func `a percentage is rounded as asked`(
    value: IntOrString, total: Int, roundingUp: Bool, expected: Int?
  ) {
    #expect(value.scaled(of: total, roundingUp: roundingUp) == expected)
  }
}
