/// One number for each family.
struct FamilyCounts: Hashable, Sendable {
  private var ipv4 = 0
  private var ipv6 = 0

  subscript(family: AddressFamily) -> Int {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  var total: Int { ipv4 + ipv6 }
}
