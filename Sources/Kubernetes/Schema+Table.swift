extension Schema {
  /// One type a line: `Name: field:shape …`; a star after the name lets unknown fields through.
  ///
  /// Shapes: `s` string, `i` integer, `b` boolean, `q` quantity, `x` integer or string, `a`
  /// anything, `{s}` map, `[T]` list as one value, `[T|key+key]` list told apart by keys,
  /// `[s|]` set, `T!` one value for server-side apply.
  static let table = """
    ObjectMeta: name,generateName,namespace,selfLink,uid,resourceVersion:s generation:i
    ObjectMeta: creationTimestamp,deletionTimestamp:s deletionGracePeriodSeconds:i
    ObjectMeta: labels,annotations:{s} ownerReferences:[OwnerReference|uid] finalizers:[s|]
    ObjectMeta: managedFields:a
    OwnerReference: apiVersion,kind,name,uid:s controller,blockOwnerDeletion:b
    LabelSelector: matchLabels:{s} matchExpressions:[Requirement]
    Requirement: key,operator:s values:[s]
    Condition*: type,status,reason,message:s observedGeneration:i
    ObjectReference: kind,namespace,name,uid,apiVersion,resourceVersion,fieldPath:s
    LocalObjectReference: name:s
    Namespace: spec:NamespaceSpec status:ConditionedStatus
    NamespaceSpec: finalizers:[s]
    ConditionedStatus*: conditions:[Condition|type]
    Pod: spec:PodSpec status:PodStatus
    PodStatus*: conditions:[Condition|type] podIPs:[a|ip] hostIPs:[a]
    PodTemplateSpec: metadata:ObjectMeta spec:PodSpec
    PodSpec: volumes:[Volume|name] initContainers,containers:[Container|name]
    PodSpec: ephemeralContainers:[Container|name] restartPolicy,dnsPolicy,serviceAccountName:s
    PodSpec: serviceAccount,nodeName,hostname,subdomain,schedulerName,priorityClassName:s
    PodSpec: terminationGracePeriodSeconds,activeDeadlineSeconds,priority:i
    PodSpec: nodeSelector:{s}! automountServiceAccountToken,hostNetwork,hostPID,hostIPC:b
    PodSpec: shareProcessNamespace,enableServiceLinks,setHostnameAsFQDN,hostUsers:b
    PodSpec: securityContext:PodSecurityContext imagePullSecrets:[LocalObjectReference|name]
    PodSpec: affinity:Affinity tolerations:[Toleration] hostAliases:[HostAlias|ip]
    PodSpec: dnsConfig:PodDNSConfig readinessGates:[ReadinessGate] overhead:{q}
    PodSpec: runtimeClassName,preemptionPolicy:s os:LocalObjectReference
    PodSpec: topologySpreadConstraints:[TopologySpreadConstraint|topologyKey+whenUnsatisfiable]
    PodSpec: schedulingGates:[LocalObjectReference|name] resourceClaims:[a|name] resources:a
    HostAlias: ip:s hostnames:[s]
    ReadinessGate: conditionType:s
    PodDNSConfig: nameservers,searches:[s] options:[NameValue]
    NameValue: name,value:s
    Toleration: key,operator,value,effect:s tolerationSeconds:i
    TopologySpreadConstraint: maxSkew,minDomains:i topologyKey,whenUnsatisfiable:s
    TopologySpreadConstraint: labelSelector:LabelSelector! nodeAffinityPolicy,nodeTaintsPolicy:s
    TopologySpreadConstraint: matchLabelKeys:[s]
    Affinity: nodeAffinity,podAffinity,podAntiAffinity:a
    PodSecurityContext: seLinuxOptions,windowsOptions,seccompProfile,appArmorProfile:a
    PodSecurityContext: runAsUser,runAsGroup,fsGroup:i runAsNonRoot:b supplementalGroups:[i]
    PodSecurityContext: sysctls:[NameValue] fsGroupChangePolicy,supplementalGroupsPolicy:s
    PodSecurityContext: seLinuxChangePolicy:s
    Container: name,image,workingDir,terminationMessagePath,terminationMessagePolicy:s
    Container: imagePullPolicy,restartPolicy:s command,args:[s] stdin,stdinOnce,tty:b
    Container: ports:[ContainerPort|containerPort+protocol] env:[EnvVar|name]
    Container: envFrom:[EnvFromSource] resources:ResourceRequirements resizePolicy:[a]
    Container: volumeMounts:[VolumeMount|mountPath] volumeDevices:[a|devicePath]
    Container: livenessProbe,readinessProbe,startupProbe:Probe lifecycle:Lifecycle
    Container: securityContext:SecurityContext targetContainerName:s
    ContainerPort: name,protocol,hostIP:s hostPort,containerPort:i
    EnvVar: name,value:s valueFrom:EnvVarSource
    EnvVarSource: fieldRef:FieldRef! resourceFieldRef:ResourceFieldRef!
    EnvVarSource: configMapKeyRef,secretKeyRef:KeySelector!
    FieldRef: apiVersion,fieldPath:s
    ResourceFieldRef: containerName,resource:s divisor:q
    KeySelector: name,key:s optional:b
    EnvFromSource: prefix:s configMapRef,secretRef:EnvFromReference
    EnvFromReference: name:s optional:b
    ResourceRequirements: limits,requests:{q} claims:[a|name]
    VolumeMount: name,mountPath,subPath,subPathExpr,mountPropagation,recursiveReadOnly:s readOnly:b
    Probe: exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction
    Probe: initialDelaySeconds,timeoutSeconds,periodSeconds,successThreshold,failureThreshold:i
    Probe: terminationGracePeriodSeconds:i
    ExecAction: command:[s]
    HTTPGetAction: path,host,scheme:s port:x httpHeaders:[NameValue]
    TCPSocketAction: port:x host:s
    GRPCAction: port:i service:s
    Lifecycle: postStart,preStop:LifecycleHandler stopSignal:s
    LifecycleHandler: exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction sleep:Sleep
    Sleep: seconds:i
    SecurityContext: capabilities:Capabilities privileged,runAsNonRoot,readOnlyRootFilesystem:b
    SecurityContext: allowPrivilegeEscalation:b runAsUser,runAsGroup:i procMount:s
    SecurityContext: seLinuxOptions,windowsOptions,seccompProfile,appArmorProfile:a
    Capabilities: add,drop:[s]
    Volume: name:s hostPath:HostPath emptyDir:EmptyDir secret:SecretVolume configMap:ConfigMapVolume
    Volume: downwardAPI,projected,persistentVolumeClaim,nfs,csi,ephemeral,image,iscsi,cephfs:a
    Volume: gcePersistentDisk,awsElasticBlockStore,gitRepo,glusterfs,rbd,flexVolume,cinder:a
    Volume: flocker,fc,azureFile,azureDisk,vsphereVolume,quobyte,portworxVolume,scaleIO:a
    Volume: photonPersistentDisk,storageos:a
    HostPath: path,type:s
    EmptyDir: medium:s sizeLimit:q
    SecretVolume: secretName:s items:[KeyToPath] defaultMode:i optional:b
    ConfigMapVolume: name:s items:[KeyToPath] defaultMode:i optional:b
    KeyToPath: key,path:s mode:i
    Deployment: spec:DeploymentSpec status:ConditionedStatus
    DeploymentSpec: replicas,minReadySeconds,revisionHistoryLimit,progressDeadlineSeconds:i
    DeploymentSpec: selector:LabelSelector! template:PodTemplateSpec
    DeploymentSpec: strategy:DeploymentStrategy paused:b
    DeploymentStrategy: type:s rollingUpdate:RollingUpdate
    RollingUpdate: maxUnavailable,maxSurge:x partition:i
    ReplicaSet: spec:ReplicaSetSpec status:ConditionedStatus
    ReplicaSetSpec: replicas,minReadySeconds:i selector:LabelSelector! template:PodTemplateSpec
    DaemonSet: spec:DaemonSetSpec status:ConditionedStatus
    DaemonSetSpec: minReadySeconds,revisionHistoryLimit:i selector:LabelSelector!
    DaemonSetSpec: template:PodTemplateSpec updateStrategy:DeploymentStrategy
    Service: spec:ServiceSpec status:ServiceStatus
    ServiceSpec: ports:[ServicePort|port+protocol] selector:{s}! clusterIP,type,loadBalancerIP:s
    ServiceSpec: clusterIPs,externalIPs,loadBalancerSourceRanges,ipFamilies:[s]
    ServiceSpec: sessionAffinity,externalName,externalTrafficPolicy,internalTrafficPolicy:s
    ServiceSpec: ipFamilyPolicy,loadBalancerClass,trafficDistribution:s healthCheckNodePort:i
    ServiceSpec: publishNotReadyAddresses,allocateLoadBalancerNodePorts:b
    ServiceSpec: sessionAffinityConfig:a
    ServicePort: name,protocol,appProtocol:s port,nodePort:i targetPort:x
    ServiceStatus*: conditions:[Condition|type] loadBalancer:LoadBalancerStatus
    LoadBalancerStatus: ingress:[LoadBalancerIngress]
    LoadBalancerIngress: ip,hostname,ipMode:s ports:[a]
    Node: spec:NodeSpec status:NodeStatus
    NodeSpec: podCIDR,providerID,externalID:s podCIDRs:[s|] unschedulable:b taints:[Taint]
    NodeSpec: configSource:a
    Taint: key,value,effect,timeAdded:s
    NodeStatus*: conditions:[Condition|type] addresses:[a|type] capacity,allocatable:{q}
    ConfigMap: data,binaryData:{s} immutable:b
    Secret: data,stringData:{s} type:s immutable:b
    ServiceAccount: secrets:[ObjectReference|name] imagePullSecrets:[LocalObjectReference|name]
    ServiceAccount: automountServiceAccountToken:b
    Event: involvedObject,related:ObjectReference reason,message,type,action:s source:EventSource
    Event: firstTimestamp,lastTimestamp,eventTime,reportingComponent,reportingInstance:s
    Event: count:i series:a reportingController:s
    EventSource: component,host:s
    NewEvent: regarding,related:ObjectReference reason,note,type,action,eventTime:s
    NewEvent: reportingController,reportingInstance:s series:a deprecatedSource:EventSource
    NewEvent: deprecatedFirstTimestamp,deprecatedLastTimestamp:s deprecatedCount:i
    Endpoints: subsets:[EndpointSubset]
    EndpointSubset: addresses,notReadyAddresses:[EndpointAddress] ports:[EndpointPort]
    EndpointAddress: ip,hostname,nodeName:s targetRef:ObjectReference
    EndpointPort: name,protocol,appProtocol:s port:i
    EndpointSlice: addressType:s endpoints:[Endpoint] ports:[EndpointPort]
    Endpoint: addresses:[s|] conditions:EndpointConditions hostname,nodeName,zone:s
    Endpoint: targetRef:ObjectReference deprecatedTopology:{s} hints:a
    EndpointConditions: ready,serving,terminating:b
    Lease: spec:LeaseSpec
    LeaseSpec: holderIdentity,acquireTime,renewTime,strategy,preferredHolder:s
    LeaseSpec: leaseDurationSeconds,leaseTransitions:i
    Ingress: spec:IngressSpec status:ServiceStatus
    IngressSpec: ingressClassName:s defaultBackend:IngressBackend tls:[IngressTLS]
    IngressSpec: rules:[IngressRule]
    IngressTLS: hosts:[s] secretName:s
    IngressRule: host:s http:HTTPIngressRuleValue
    HTTPIngressRuleValue: paths:[HTTPIngressPath]
    HTTPIngressPath: path,pathType:s backend:IngressBackend
    IngressBackend: service:IngressServiceBackend resource:TypedReference!
    TypedReference: apiGroup,kind,name:s
    IngressServiceBackend: name:s port:ServiceBackendPort
    ServiceBackendPort: name:s number:i
    IngressClass: spec:IngressClassSpec
    IngressClassSpec: controller:s parameters:a
    CustomResourceDefinition: spec:CustomResourceDefinitionSpec status:ConditionedStatus
    CustomResourceDefinitionSpec: group,scope:s names:CustomNames versions:[CustomVersion]
    CustomResourceDefinitionSpec: conversion:a preserveUnknownFields:b
    CustomNames: plural,singular,kind,listKind:s shortNames,categories:[s]
    CustomVersion: name,deprecationWarning:s served,storage,deprecated:b schema,subresources:a
    CustomVersion: additionalPrinterColumns,selectableFields:[a]
    """
}
