import Glibc
import Kubernetes
import Linux
import NetTypes
import Testing
import Transport
import Wire

@testable import KubeServer

/// The API server on loopback with a kubeconfig for kubectl.
@Loop
private final class Cluster {
  let directory: String
  let store: Store
  private let listener: APIListener

  init() throws {
    var template = Array("/tmp/atoll-kubectl-XXXXXX".utf8CString)
    directory = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    store = try Store(Store.Configuration(path: nil))
    let authority = try CertificateAuthority.mint(commonName: "test")
    let server = try authority.issue(.server("apiserver", addresses: [.v4(.loopback)]))
    let client = try authority.issue(.client("admin", organizations: ["system:masters"]))
    listener = try APIListener(
      api: APIServer(store: store), address: SocketAddress(.v4(.loopback), port: 0),
      tls: .server(server, clientCA: authority.certificatePEM))
    listener.start()
    func encoded(_ text: String) -> String { Base64.encode(Array(text.utf8)) }
    let port = listener.address?.port ?? 0
    let configuration: JSON = [
      "apiVersion": "v1", "kind": "Config", "current-context": "test",
      "clusters": [
        [
          "name": "test",
          "cluster": [
            "server": "https://127.0.0.1:\(port)",
            "certificate-authority-data": .string(encoded(authority.certificatePEM)),
          ],
        ]
      ],
      "users": [
        [
          "name": "admin",
          "user": [
            "client-certificate-data": .string(encoded(client.certificatePEM)),
            "client-key-data": .string(encoded(client.keyPEM)),
          ],
        ]
      ],
      "contexts": [["name": "test", "context": ["cluster": "test", "user": "admin"]]],
    ]
    write(configuration.text, "kubeconfig")
  }

  isolated deinit {
    for name in ["kubeconfig", "input.yaml", "output"] { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }

  func write(_ text: String, _ name: String) {
    guard let file = fopen("\(directory)/\(name)", "w") else { return }
    fputs(text, file)
    fclose(file)
  }

  /// Runs kubectl to its end; `input` is what `-f -` reads.
  func kubectl(_ arguments: String, input: String = "") async throws -> (code: Int32, text: String)
  {
    write(input, "input.yaml")
    let script =
      "KUBECONFIG=\(directory)/kubeconfig HOME=\(directory) timeout 30 kubectl"
      + " --cache-dir=/dev/null/none \(arguments) < \(directory)/input.yaml > \(directory)/output 2>&1"
    let waiter = Waiter()
    nonisolated(unsafe) var code: Int32 = -1
    Thread.spawn(name: "kubectl") {
      let status = Glibc.system(script)
      code = status >> 8 & 0xFF
      Task { @Loop in waiter.resume() }
    }
    try await waiter.wait()
    var text = ""
    if let file = fopen("\(directory)/output", "r") {
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
        text += String(decoding: buffer[..<count], as: UTF8.self)
      }
      fclose(file)
    }
    return (code, text)
  }
}

private let hasKubectl = access("/usr/bin/kubectl", X_OK) == 0

/// The real kubectl against the server, over TLS on loopback.
@Suite(.enabled(if: hasKubectl, "kubectl is not installed"), .serialized)
@Loop
struct KubectlTests {
  static let manifest = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 3
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: main, image: "sample:1", ports: [{containerPort: 80}]}]}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec: {selector: {app: web}, ports: [{port: 80}]}
    """

  @Test func `manifests are applied, changed and deleted`() async throws {
    let cluster = try Cluster()
    func expect(
      _ arguments: String, _ text: String, code: Int32 = 0, input: String = Self.manifest
    ) async throws {
      let result = try await cluster.kubectl(arguments, input: input)
      #expect(result.text.contains(text), "kubectl \(arguments): \(result.text)")
      #expect(result.code == code, "kubectl \(arguments): \(result.text)")
    }
    try await expect("apply -f -", "deployment.apps/web created\nservice/web created")
    try await expect("apply -f -", "deployment.apps/web unchanged\nservice/web unchanged")
    try await expect("get deploy", "web    0/3     0            0 ")
    try await expect("get deploy -o wide", "main         sample:1   app=web")
    try await expect("get svc web -o jsonpath='{.spec.ports[0].targetPort}'", "80")
    try await expect("scale deploy web --replicas=5", "deployment.apps/web scaled")
    try await expect("get deploy web -o yaml", "replicas: 5")
    try await expect("label deploy web tier=front", "deployment.apps/web labeled")
    try await expect("annotate deploy web note=x", "deployment.apps/web annotated")
    try await expect(
      "patch deploy web -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"main\","
        + "\"image\":\"sample:2\"}]}}}}'", "deployment.apps/web patched")
    try await expect("describe deploy web", "Image:         sample:2")
    try await expect("describe svc web", "10.43.")
    try await expect("apply --server-side --force-conflicts -f -", "web serverside-applied")
    try await expect("get deploy web -o jsonpath='{.spec.replicas}'", "3")
    try await expect("rollout status deploy web --timeout=1s", "Waiting for", code: 1)
    try await expect("create configmap c --from-literal=a=b", "configmap/c created")
    try await expect("create namespace shop", "namespace/shop created")
    try await expect("delete namespace shop", "namespace \"shop\" deleted")
    try await expect("delete -f -", "service \"web\" deleted")
    try await expect("get all", "service/kubernetes")
    try await expect("api-resources -o name", "deployments.apps")
    try await expect("get nothing", "the server doesn't have a resource type \"nothing\"", code: 1)
    try await expect("auth can-i create pods", "yes")
  }

  @Test(arguments: [
    ("replicas: 3", "replica: 3", "strict decoding error: unknown field \"spec.replica\""),
    (
      "replicas: 3", "replicas: many",
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    ),
    ("name: main", "name: Main", "spec.template.spec.containers[0].name: Invalid value: \"Main\""),
    (
      "kind: Deployment", "kind: Deploiment",
      "no matches for kind \"Deploiment\" in version \"apps/v1\""
    ),
    (
      "matchLabels: {app: web}", "matchLabels: {app: x}",
      "`selector` does not match template `labels`"
    ),
  ])
  func `a manifest with an error is told what is wrong`(
    good: String, bad: String, text: String
  ) async throws {
    let cluster = try Cluster()
    let input = Self.manifest.replacing(good, with: bad, maxReplacements: 1)
    let result = try await cluster.kubectl("apply -f -", input: input)
    #expect(result.code == 1)
    #expect(result.text.contains(text), "\(result.text)")
    #expect(cluster.store.list(.deployments).isEmpty)
  }

  @Test func `a watch shows what changes`() async throws {
    let cluster = try Cluster()
    try cluster.store.create(.pods, pod("a"))
    Loop.after(.seconds(1)) { _ = try? cluster.store.create(.pods, pod("b")) }
    let result = try await cluster.kubectl("get pods -w --request-timeout=3s")
    #expect(result.text.contains("a      0/1     Pending"), "\(result.text)")
    #expect(result.text.contains("b      0/1     Pending"), "\(result.text)")
  }
}
