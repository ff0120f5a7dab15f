import Delivery
import NetTypes

extension EdgeFileReader {
  /// `{name, source: [PREFIX], except: [PREFIX], addresses: [ADDRESS]}`; without addresses, automap.
  mutating func egress(_ fields: FileFields) throws(FileProblem) -> Egress {
    note(fields, beside: ["name", "source", "except", "addresses"])
    var egress = Egress(
      name: try fields.needed("name"), sources: try fields.prefixes("source"),
      exceptions: try fields.prefixes("except"))
    egress.addresses = try fields.list("addresses").map { text throws(FileProblem) in
      guard let address = IPAddress(text) else {
        throw fields.problem(
          "addresses", found: "\"\(text)\"", expected: "IPv4 or IPv6 addresses")
      }
      return address
    }
    return egress
  }
}
