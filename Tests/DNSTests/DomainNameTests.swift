import DNS
import Testing

@Suite struct DomainNameTests {
  @Test(arguments: [
    ("www.example.com", "www.example.com."), ("www.example.com.", "www.example.com."),
    (".", "."), ("a\\.b.c", "a\\.b.c."), ("a\\032b", "a\\032b."), ("\\097", "a."),
    ("*.x", "*.x."), ("_sip._tcp.x", "_sip._tcp.x."), ("a\\\\b", "a\\\\b."), ("ü", "\\195\\188."),
  ])
  func `text reads and prints with its escapes`(text: String, printed: String) throws {
    let name = try #require(DomainName(text))
    #expect(name.description == printed)
    #expect(DomainName(printed) == name)
  }

  @Test(arguments: [
    "", "..", ".a", "a..b", "a\\", "a\\25", "a\\256", String(repeating: "a", count: 64),
    String(repeating: "abc.", count: 64),
  ])
  func `what is no name is refused`(text: String) {
    #expect(DomainName(text) == nil)
  }

  @Test func `labels up to 63 octets and names up to 255 are taken`() {
    let label = String(repeating: "a", count: 63)
    let long = [label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")
    #expect(DomainName(label) != nil)
    #expect(DomainName(long)?.wire.count == 255)
    #expect(DomainName(long + "a") == nil)
    #expect(name(long).prepending("a") == nil)
  }

  @Test func `names compare without the case of their letters, RFC 4343`() {
    #expect(name("WWW.Example.COM") == name("www.example.com"))
    #expect(name("WWW.Example.COM").hashValue == name("www.example.com").hashValue)
    #expect(name("a[.x") != name("a{.x"), "only letters have a case")
    #expect(name("WWW.x").description == "WWW.x.")
  }

  @Test func `the canonical order is that of RFC 4034 section 6.1`() {
    let ordered = [
      "example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE", "z.example",
      "\\001.z.example", "*.z.example", "\\200.z.example",
    ].map(name)
    #expect(ordered.shuffled().sorted() == ordered)
  }

  @Test func `a name knows its parent, its suffixes and what it is under`() {
    let www = name("www.example.com")
    #expect(www.parent == name("example.com"))
    #expect(DomainName.root.parent == nil)
    #expect(www.suffix(1) == name("com"))
    #expect(www.suffix(0) == .root)
    #expect(www.isSubdomain(of: name("EXAMPLE.com")))
    #expect(www.isSubdomain(of: www))
    #expect(www.isSubdomain(of: .root))
    #expect(!www.isSubdomain(of: name("xample.com")))
    #expect(!name("com").isSubdomain(of: www))
    #expect(name("example.com").prepending("www") == www)
    #expect(www.labelCount == 3)
    #expect(name("*.x").isWildcard && !name("a*.x").isWildcard)
  }

  @Test func `a relative name ends in its origin`() throws {
    let origin = name("example.com")
    #expect(try DomainName(parsing: "www", origin: origin) == name("www.example.com"))
    #expect(try DomainName(parsing: "www.", origin: origin) == name("www"))
    #expect(try DomainName(parsing: "@", origin: origin) == origin)
  }
}
