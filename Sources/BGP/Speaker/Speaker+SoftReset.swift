import NetTypes

extension Speaker {
  /// Routes are exchanged again while sessions stay: an operator's soft reset.
  mutating func refresh(_ address: IPAddress?, asks: Bool, tells: Bool) {
    for each in peers.keys.sorted() where address == nil || each == address {
      guard let negotiated = peers[each]?.established?.session.state.negotiated else { continue }
      if asks { askForRefresh(each) }
      if tells { for family in negotiated.families { refresh(each, family) } }
    }
  }
}
