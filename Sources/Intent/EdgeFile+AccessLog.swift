import Delivery

extension EdgeFileReader {
  /// `{format: json | "text with ${…}", fields: […], path: FILE | stdout}`.
  mutating func accessLog(_ fields: FileFields) throws(FileProblem) -> AccessLog {
    note(fields, beside: ["format", "fields", "path"])
    var log = AccessLog()
    let format = try fields.text("format") ?? "json"
    if format == "json" {
      if fields.names.contains("fields") { log.format = .json(try logFields(fields)) }
    } else if !format.contains("$") {
      throw fields.problem(
        "format", found: "\"\(format)\"",
        expected: "json, or text with ${field}: \(AccessLog.fieldsExpected)")
    } else {
      if fields.names.contains("fields") {
        throw fields.problem("fields", found: "given", expected: "none, as the format names them")
      }
      do throws(Template.Failure) {
        log.format = try AccessLog.Format(template: format)
      } catch {
        throw fields.problem(
          "format", found: "\"\(error.found)\"",
          expected: "${} of one of \(AccessLog.fieldsExpected); $$ for a dollar sign")
      }
    }
    switch try fields.text("path") ?? "stdout" {
    case "stdout": log.destination = .standardOutput
    case let path: log.destination = .file(path)
    }
    return log
  }

  private func logFields(_ fields: FileFields) throws(FileProblem) -> [AccessLog.Field] {
    var found: [AccessLog.Field] = []
    for name in try fields.list("fields") {
      guard let field = AccessLog.Field(name) else {
        throw fields.problem(
          "fields", found: "\"\(name)\"", expected: "one of \(AccessLog.fieldsExpected)")
      }
      if !found.contains(field) { found.append(field) }
    }
    return found
  }
}
