import BGP
import Linux
import Logging
import NetTypes

// Next-hop tracking. The speaker says which next hops its paths use; each is looked up in the kernel,
// and the cost goes back to the decision process (RFC 4271 §9.1.2.1). News of links, addresses and
// other programs' routes have all of them looked up again: there are few, however many the routes.

extension Router {
  /// How long news are gathered before they are looked at: links come up in several steps.
  private static let newsDelay = Duration.milliseconds(2)

  /// Why a next hop cannot be reached.
  func nextHopProblem(_ address: IPAddress) -> String? {
    kernel?.resolver.resolutions[address]?.problem
  }

  func watchNextHops(added: [IPAddress], removed: [IPAddress]) {
    guard let resolver = kernel?.resolver else { return }
    for address in removed { resolver.forget(address) }
    for address in added { tell(address, resolver.resolution(of: address)) }
  }

  private func tell(_ address: IPAddress, _ resolution: NextHopResolver.Resolution) {
    switch resolution {
    case .reachable(let way):
      traceNextHop(address, "reachable, metric \(way.cost)")
      drive(.nextHop(address, cost: way.cost))
    case .unreachable(let reason):
      log.notice("next hop \(address) cannot be reached: \(reason)")
      traceNextHop(address, "unreachable, \(reason)")
      drive(.nextHop(address, cost: nil))
    }
  }

  /// Listens to the kernel; in the thread's namespace.
  func watchLinks(for kernel: KernelRoutes) throws -> LinkMonitor {
    let monitor = try LinkMonitor(owner: kernel.owner, own: kernel.netlink.port)
    kernel.onInterfacesChange = { [weak self] in self?.heard(LinkNews(links: true)) }
    try monitor.start { [weak self] in self?.heard($0) }
    return monitor
  }

  private func heard(_ more: LinkNews) {
    let isPending = !news.isEmpty
    news.links = news.links || more.links
    news.otherRoutes = news.otherRoutes || more.otherRoutes
    news.isOverrun = news.isOverrun || more.isOverrun
    news.lost += more.lost
    if isPending { return }
    newsTimer = Loop.after(Self.newsDelay) { [weak self] in self?.takeNews() }
  }

  private func takeNews() {
    let heard = news
    news = LinkNews()
    guard speaker != nil, let kernel else { return }
    if heard.links {
      updateDiscovery()
      updateSources()
      if speaker?.configuration.routerID == nil { reconfigure() }
    }
    if heard.links || heard.otherRoutes || heard.isOverrun {
      var moved: [IPAddress] = []
      attempt("look up next hops") { moved = try kernel.nextHopsMayHaveChanged() }
      for address in moved { tell(address, kernel.resolver.resolution(of: address)) }
      redistribute()
    }
    if !heard.lost.isEmpty { attempt("put routes back") { try kernel.lost(heard.lost) } }
    if heard.isOverrun { scheduleAudit(after: .zero) }
  }
}
