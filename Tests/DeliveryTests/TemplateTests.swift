import Delivery
import Testing

@Suite struct TemplateTests {
  @Test func `text and variables are told apart`() throws {
    let template = try Template("a${host}b$$${header.X-Id}${1}")
    #expect(
      template.parts == [
        .text(Array("a".utf8)), .variable(.host), .text(Array("b$".utf8)),
        .variable(.header("X-Id")), .variable(.group(1)),
      ])
    #expect(template.usesGroups && template.literal == nil)
    #expect(try Template("plain").literal == Array("plain".utf8))
    #expect(try Template("").literal == [])
  }

  @Test(arguments: [
    ("$", "$"), ("a$b", "$b"), ("${", "${"), ("${}", "${}"), ("${nothing}", "${nothing}"),
    ("${header.}", "${header.}"), ("${12}", "${12}"), ("x ${host", "${host"),
  ])
  func `a dollar sign that begins nothing known is told`(_ text: String, _ found: String) {
    let failure = #expect(throws: Template.Failure.self) { try Template(text) }
    #expect(failure?.found == found)
  }
}
