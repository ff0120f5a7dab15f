import Testing

@testable import Delivery

private func match(_ routes: [HTTPRoute], _ host: String, _ target: String) -> String? {
  let host = Array(host.utf8)
  let target = Array(target.utf8)
  return RouteTable(routes).match(host: host.span, target: target.span).map { routes[$0].pool }
}

@Suite struct RouteTableTests {
  static let routes = [
    HTTPRoute(host: nil, path: .prefix("/"), pool: "any"),
    HTTPRoute(host: "a.example", path: .prefix("/"), pool: "a-root"),
    HTTPRoute(host: "a.example", path: .prefix("/x/"), pool: "a-x"),
    HTTPRoute(host: "a.example", path: .prefix("/x/y"), pool: "a-xy"),
    HTTPRoute(host: "a.example", path: .exact("/x/y"), pool: "a-xy-exact"),
    HTTPRoute(host: "*.example", path: .implementationSpecific("/api"), pool: "star"),
    HTTPRoute(host: "A.Example", path: .prefix("/x"), pool: "late"),
  ]

  @Test(arguments: [
    ("a.example", "/", "a-root"), ("a.example", "/x", "a-x"), ("a.example", "/x/", "a-x"),
    ("a.example", "/xy", "a-root"), ("a.example", "/x/y", "a-xy-exact"),
    ("a.example", "/x/y/", "a-xy"), ("a.example", "/x/y/z?q=/x", "a-xy"),
    ("a.example", "/?/x/y", "a-root"), ("A.EXAMPLE:8080", "/x/z", "a-x"),
    ("a.example.", "/x/y?z", "a-xy-exact"), ("b.example", "/api", "star"),
    ("b.example:80", "/api/v1", "star"), ("b.example", "/", nil), ("c.b.example", "/api", "any"),
    ("example", "/api", "any"), ("", "/", "any"), ("[::1]:80", "/", "any"),
    ("*.example", "/", nil), ("a.example", "*", nil),
  ])
  func `host first, then exact path, then the longest prefix of whole elements`(
    _ host: String, _ target: String, _ pool: String?
  ) {
    #expect(match(Self.routes, host, target) == pool)
  }

  /// The table of the Kubernetes documentation, "Ingress path matching examples".
  @Test(arguments: [
    ("prefix", "/", "/any", true), ("exact", "/foo", "/foo", true),
    ("exact", "/foo", "/bar", false),
    ("exact", "/foo", "/foo/", false), ("exact", "/foo/", "/foo", false),
    ("prefix", "/foo", "/foo", true), ("prefix", "/foo", "/foo/", true),
    ("prefix", "/foo/", "/foo", true), ("prefix", "/foo/", "/foo/", true),
    ("prefix", "/aaa/bb", "/aaa/bbb", false), ("prefix", "/aaa/bbb", "/aaa/bbb", true),
    ("prefix", "/aaa/bbb/", "/aaa/bbb", true), ("prefix", "/aaa/bbb", "/aaa/bbb/", true),
    ("prefix", "/aaa/bbb", "/aaa/bbb/ccc", true), ("prefix", "/aaa/bbb", "/aaa/bbbxyz", false),
  ])
  func `Ingress path types match as Kubernetes documents them`(
    _ type: String, _ path: String, _ request: String, _ matches: Bool
  ) {
    let route = HTTPRoute(path: type == "exact" ? .exact(path) : .prefix(path), pool: "p")
    #expect((match([route], "h", request) != nil) == matches)
  }

  @Test func `thousands of routes are all found`() {
    let routes = (0..<3000).map {
      HTTPRoute(host: "h\($0 % 50).example", path: .prefix("/p\($0)"), pool: "\($0)")
    }
    let table = RouteTable(routes)
    for (index, route) in routes.enumerated() {
      let host = Array((route.host ?? "").utf8)
      let target = Array("\(route.path.path)/more".utf8)
      #expect(table.match(host: host.span, target: target.span) == index)
    }
  }

  @Test func `without routes nothing matches`() {
    #expect(match([], "h", "/") == nil)
  }
}
