extension UnitPlan {
  /// The Service that pods ask for names, as every cluster has it, and its one endpoint: the unit's
  /// name service, which is no pod. Each is created only where the user has supplied none.
  package var namesManifest: String {
    """
    apiVersion: v1
    kind: Service
    metadata:
      name: kube-dns
      namespace: kube-system
      labels:
        k8s-app: kube-dns
        kubernetes.io/name: CoreDNS
    spec:
      clusterIP: \(clusterDNS)
      ports:
      - {name: dns, port: 53, protocol: UDP}
      - {name: dns-tcp, port: 53, protocol: TCP}
    ---
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata:
      name: kube-dns
      namespace: kube-system
      labels:
        kubernetes.io/service-name: kube-dns
        endpointslice.kubernetes.io/managed-by: atoll.dev
    addressType: IPv4
    endpoints:
    - addresses: [\(dnsAddress)]
      conditions: {ready: true}
    ports:
    - {name: dns, port: 53, protocol: UDP}
    - {name: dns-tcp, port: 53, protocol: TCP}

    """
  }
}
