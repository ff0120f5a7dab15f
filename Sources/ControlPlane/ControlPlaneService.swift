import Glibc
import KubeServer
import Kubernetes
import Linux
import Logging
import NetTypes
import Transport

/// The `atoll apiserver` role: the Kubernetes API on SQLite, and the controllers beside it.
@Loop package final class ControlPlaneService {
  package struct Options: Sendable {
    package var listen: [SocketAddress]
    /// The folder of the database.
    package var data: String
    package var serviceCIDR: IPPrefix
    /// Files, PEM: the authority that clients' certificates come from, and our own pair.
    package var authority: String
    package var certificate: String
    package var key: String
    /// Our pair as a client of the nodes' kubelet API.
    package var kubeletCertificate: String
    package var kubeletKey: String
    /// Files and folders.
    package var manifests: [String]

    package init(
      listen: [SocketAddress], data: String, serviceCIDR: IPPrefix, authority: String,
      certificate: String, key: String, kubeletCertificate: String, kubeletKey: String,
      manifests: [String]
    ) {
      self.listen = listen
      self.data = data
      self.serviceCIDR = serviceCIDR
      self.authority = authority
      self.certificate = certificate
      self.key = key
      self.kubeletCertificate = kubeletCertificate
      self.kubeletKey = kubeletKey
      self.manifests = manifests
    }
  }

  private let options: Options
  private let log: Logger

  package init(_ options: Options, log: Logger = Logger(label: "apiserver")) {
    self.options = options
    self.log = log
  }

  /// Serves until SIGTERM or SIGINT.
  package func run() async throws {
    try FileSystem.makeDirectories(options.data, mode: 0o700)
    let store = try Store(
      Store.Configuration(path: options.data + "/state.db", serviceCIDR: options.serviceCIDR))
    let authority = try FileSystem.readText(options.authority)
    let kubelets = KubeletClient(
      tls: try .client(
        trusted: authority, certificate: try pair(options.kubeletCertificate, options.kubeletKey)))
    let api = APIServer(store: store, kubelet: kubelets)
    let tls = try TLSContext.server(
      try pair(options.certificate, options.key), clientCA: authority)
    let listeners = try options.listen.map {
      try APIListener(api: api, address: $0, tls: tls)
    }
    for listener in listeners { listener.start() }
    let controllers = Controllers(store: store)
    controllers.start()
    let manifests = ManifestFolder(paths: options.manifests, api: api, log: log)
    let loading = Task { @Loop in await manifests.run() }
    log.info(
      "API server is ready",
      metadata: [
        "listen": "\(options.listen.map(\.description).joined(separator: ","))",
        "revision": "\(store.revision)",
      ])
    _ = try await Signals.wait(for: [SIGTERM, SIGINT])
    loading.cancel()
    controllers.stop()
    for listener in listeners { await listener.stop() }
  }

  private func pair(_ certificate: String, _ key: String) throws -> KeyPair {
    KeyPair(
      certificatePEM: try FileSystem.readText(certificate), keyPEM: try FileSystem.readText(key))
  }
}
