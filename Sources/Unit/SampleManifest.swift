/// The application a unit runs when it is given none: something to ask, and to see answer.
package enum SampleManifest {
  package static let text = """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: whoami
      labels: {app: whoami}
    spec:
      replicas: 3
      selector:
        matchLabels: {app: whoami}
      template:
        metadata:
          labels: {app: whoami}
        spec:
          terminationGracePeriodSeconds: 5
          containers:
          - name: whoami
            image: atoll.dev/sample:latest
            args: [whoami, --port, "8080"]
            ports:
            - {name: http, containerPort: 8080}
            env:
            - name: NODE_NAME
              valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
            readinessProbe:
              httpGet: {path: /healthz, port: http}
              periodSeconds: 1
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: whoami
    spec:
      selector: {app: whoami}
      ports:
      - {name: http, port: 80, targetPort: http}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: whoami
    spec:
      rules:
      - http:
          paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: whoami
                port: {name: http}

    """
}
