import Delivery
import NetTypes

extension EdgeFileReader {
  /// `{name, source: [PREFIX], except: [PREFIX], interface, addresses: [ADDRESS]}`, or instead of
  /// addresses `snat: automap|none`.
  mutating func egress(_ fields: FileFields) throws(FileProblem) -> Egress {
    note(fields, beside: ["name", "source", "except", "interface", "addresses", "snat"])
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
    egress.interface = try fields.text("interface")
    egress.snat = try fields.choice("snat") ?? egress.snat
    return egress
  }
}
