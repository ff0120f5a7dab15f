import Intent
import NetTypes

extension MeshPlan {
  /// What runs between the units: the router, and a witness at each client site.
  package var processes: [RoleProcess] {
    let router = RoleProcess(
      name: "wan", namespace: routerNamespace,
      arguments: [
        "router", "--config", "\(directory.state)/wan/router.conf", "--api",
        directory.socket(of: "wan"),
      ])
    let witnesses = configuration.clients.compactMap { client in
      line(of: client).map { line in
        RoleProcess(
          name: client, namespace: namespace(ofClient: client),
          arguments: [
            "dns", "witness", "--name", client, "--state", "\(directory.state)/\(client)",
            "--socket", directory.socket(of: client), "--address", "\(line.siteAddress.address)",
            "--mesh", directory.names(of: client),
          ])
      }
    }
    return [router] + witnesses
  }

  /// The router's configuration: it knows the lines, and hears of each unit's virtual servers.
  package var routerConfiguration: String {
    let neighbors = units.flatMap { unit -> [String] in
      guard let line = line(of: unit.configuration.name) else { return [] }
      let neighbor = " neighbor \(line.siteAddress.address)"
      return [
        "\(neighbor) remote-as \(unit.configuration.asNumber)",
        "\(neighbor) description \(unit.configuration.name)", "\(neighbor) timers 1 3",
      ]
    }
    let lines =
      [
        "hostname wan", "!", "router bgp \(configuration.routerAS)",
        " bgp router-id \(configuration.linkCIDR[1])", " bgp graceful-restart",
        " redistribute connected",
      ] + neighbors
    return lines.joined(separator: "\n") + "\n!\n"
  }

  /// /etc/resolv.conf of a client site: any unit's name service will do, and the next one is asked
  /// soon.
  package var resolverConfiguration: String {
    nameservers.map { "nameserver \($0)\n" }.joined() + "options timeout:1 attempts:2\n"
  }

  func resolverPath(ofClient client: String) -> String {
    "\(directory.state)/\(client)/resolv.conf"
  }
}
