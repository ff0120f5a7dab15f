import HTTP
import Testing

/// RFC 3986 §5.2.4 and §6.2.2.
@Suite struct PathNormalizerTests {
  private func normal(_ path: String) -> String? {
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: path.utf8.count, alignment: 1)
    defer { target.deallocate() }
    return Array(path.utf8).withUnsafeBytes { bytes in
      PathNormalizer.normalize(bytes, into: target).map {
        String(decoding: target[..<$0], as: UTF8.self)
      }
    }
  }

  @Test(arguments: [
    ("/", "/"), ("/a/b", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/b/..", "/a/"),
    ("/a/b/.", "/a/b/"), ("/a/b/c/./../../g", "/a/g"), ("//a///b", "/a/b"), ("/a//", "/a/"),
    ("/%7euser", "/~user"), ("/a%2Fb", "/a%2Fb"), ("/a%2fb", "/a%2Fb"), ("/%2e%2E", nil),
    ("/a/%2e%2e/b", "/b"), ("/..", nil), ("/../a", nil), ("/a/../..", nil), ("/%", nil),
    ("/%4", nil), ("/%zz", nil), ("/%00", nil), ("a", nil), ("/...", "/..."), ("/.a", "/.a"),
    ("/a..", "/a.."), ("/%252e", "/%252e"), ("/a/..%2fb", "/a/..%2Fb"),
  ])
  func `a path has one form`(_ path: String, _ expected: String?) {
    #expect(normal(path) == expected)
    // What is normal stays.
    if let expected { #expect(normal(expected) == expected) }
  }

  @Test func `what has nothing to change is known at a glance`() {
    for (path, needs) in [("/a/b", false), ("/a.b/c", false), ("/a/.b", true), ("/a%20b", true)] {
      #expect(Array(path.utf8).withUnsafeBytes { PathNormalizer.needsWork($0) } == needs)
    }
  }
}
