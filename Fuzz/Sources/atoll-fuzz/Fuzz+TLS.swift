import Delivery

extension Fuzz {
  static let tls: [Target] = [
    (
      "client-hello",
      { bytes, count in
        let bytes = Fuzz.bytes(bytes, count)
        let whole = ClientHello.read(bytes.span)
        // What was decided of a part is not decided otherwise when more has come.
        for cut in [1, 5, 43, count / 2, count - 1] where cut > 0 && cut < count {
          let part = ClientHello.read(Array(bytes[..<cut]).span)
          precondition(part == .incomplete || part == whole, "decided twice")
        }
        if case .complete(let name?) = whole {
          precondition((1...255).contains(name.count), "a name of no length, or too long")
        }
        return 0
      }
    )
  ]
}
