import Delivery

/// The `tls` sections of virtual servers and pools, and the files that they name.
extension EdgeFileReader {
  /// `{certificate, key}` or `{certificates: [{certificate, key}]}`, and how to use them.
  mutating func serverTLS(_ fields: FileFields) throws(FileProblem) -> ServerTLS {
    note(
      fields,
      beside: [
        "certificate", "key", "certificates", "minimumVersion", "maximumVersion", "cipherSuites",
        "alpn", "clientAuthentication", "handshakeTimeout", "ticketLifetime", "ocsp",
      ])
    var tls = ServerTLS()
    if fields.names.contains("certificate") || fields.names.contains("key") {
      tls.certificates.append(try certificate(fields))
    }
    for section in try fields.sections("certificates") {
      note(section, beside: ["certificate", "key", "ocsp"])
      tls.certificates.append(try certificate(section))
    }
    tls.minimumVersion = try fields.choice("minimumVersion") ?? tls.minimumVersion
    tls.maximumVersion = try fields.choice("maximumVersion") ?? tls.maximumVersion
    tls.cipherSuites = try fields.list("cipherSuites")
    if fields.names.contains("alpn") { tls.alpn = try fields.list("alpn") }
    tls.handshakeTimeout = try fields.duration("handshakeTimeout") ?? tls.handshakeTimeout
    tls.ticketLifetime = try fields.duration("ticketLifetime") ?? tls.ticketLifetime
    if let section = try fields.section("clientAuthentication") {
      note(section, beside: ["mode", "ca", "forward"])
      let mode: ServerTLS.ClientAuthentication.Mode = try section.choice("mode") ?? .required
      if mode != .none {
        var authentication = ServerTLS.ClientAuthentication(
          mode: mode, authorities: PEMSource(file: try section.fileName("ca")))
        authentication.forwards = try section.flag("forward") ?? false
        tls.clientAuthentication = authentication
      }
    }
    return tls
  }

  mutating func poolTLS(_ fields: FileFields) throws(FileProblem) -> PoolTLS {
    note(
      fields, beside: ["serverName", "ca", "verify", "clientCertificate", "minimumVersion"])
    var tls = PoolTLS()
    tls.serverName = try fields.text("serverName")
    if fields.names.contains("ca") { tls.authorities = PEMSource(file: try fields.fileName("ca")) }
    tls.verifies = try fields.flag("verify") ?? true
    tls.minimumVersion = try fields.choice("minimumVersion") ?? tls.minimumVersion
    if let section = try fields.section("clientCertificate") {
      note(section, beside: ["certificate", "key"])
      tls.clientCertificate = try certificate(section)
    }
    return tls
  }

  /// `{match: {host}, pool}`: all that TLS shows.
  mutating func passthroughRoute(_ fields: FileFields) throws(FileProblem) -> HTTPRoute {
    note(fields, beside: ["name", "match", "pool"])
    var route = HTTPRoute(pool: try fields.needed("pool"))
    if let match = try fields.section("match") {
      note(match, beside: ["host"])
      route.host = try match.text("host")
    }
    return route
  }

  private func certificate(_ fields: FileFields) throws(FileProblem) -> CertificateSource {
    var source = CertificateSource(
      certificate: PEMSource(file: try fields.fileName("certificate")),
      key: PEMSource(file: try fields.fileName("key")))
    if fields.names.contains("ocsp") {
      source.ocsp = DERSource(file: try fields.fileName("ocsp"))
    }
    return source
  }
}

extension FileFields {
  func fileName(_ name: String) throws(FileProblem) -> String {
    guard let text = try text(name), !text.isEmpty else {
      throw problem(name, found: "nothing", expected: "a file")
    }
    return text
  }
}

extension EdgeFile.Parsed {
  /// Reads the files that objects name, relative to the configuration's folder. An object whose
  /// file cannot be read is refused, with its line.
  /// - Parameter read: A file's bytes; what it throws is the reason.
  package mutating func readFiles(_ read: (String) throws -> [UInt8]) {
    var fileNames: Set<String> = []
    let folder = file.lastIndex(of: "/").map { file[...$0] } ?? ""
    func bytes(_ name: String, _ field: String) throws(Unreadable) -> [UInt8] {
      let path = name.hasPrefix("/") ? name : folder + name
      fileNames.insert(path)
      do {
        return try read(path)
      } catch {
        throw Unreadable(field: field, found: "\"\(name)\" (\(error))")
      }
    }
    func text(_ source: inout PEMSource, _ field: String) throws(Unreadable) {
      guard let name = source.file else { return }
      source.text = String(decoding: try bytes(name, field), as: UTF8.self)
    }
    configuration.pools = configuration.pools.compactMap { pool in
      var pool = pool
      do throws(Unreadable) {
        try pool.tls?.forEachPEM { (field, source) throws(Unreadable) in try text(&source, field) }
        return pool
      } catch {
        refuse("pool \(pool.name)", error)
        refused.pools.insert(pool.name)
        return nil
      }
    }
    configuration.virtualServers = configuration.virtualServers.compactMap { server in
      var server = server
      do throws(Unreadable) {
        try server.tls?.forEachPEM { (field, source) throws(Unreadable) in
          try text(&source, field)
        }
        for (index, certificate) in (server.tls?.certificates ?? []).enumerated() {
          guard let name = certificate.ocsp?.file else { continue }
          server.tls?.certificates[index].ocsp?.bytes = try bytes(
            name, "tls.certificates[\(index)].ocsp")
        }
        return server
      } catch {
        refuse("virtual server \(server.name)", error)
        refused.virtualServers.insert(server.name)
        return nil
      }
    }
    files = fileNames.sorted()
  }

  private struct Unreadable: Error {
    var field: String
    var found: String
  }

  private mutating func refuse(_ object: String, _ error: Unreadable) {
    let problem = Problem(
      object: object, field: error.field, found: error.found, expected: "a file that can be read")
    problems.append(located(problem))
  }
}
