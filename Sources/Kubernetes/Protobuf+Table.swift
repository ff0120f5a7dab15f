extension Protobuf {
  /// The fields of the messages that clients send: `Type NUMBERshape:name …`.
  ///
  /// Shapes: `s` string, `i` integer, `b` boolean, `y` bytes, `t` time, `q` quantity, `x` integer
  /// or string, `a` raw JSON, `-` ignored, or another type. Before them `*` repeats, `m` is a map
  /// from strings, `!` puts the members of the message into the one around it.
  static let table = """
    ConfigMap 1ObjectMeta:metadata 4b:immutable 2ms:data 3my:binaryData
    Secret 1ObjectMeta:metadata 5b:immutable 2my:data 4ms:stringData 3s:type
    Namespace 1ObjectMeta:metadata 2NamespaceSpec:spec 3-:status
    Node 1ObjectMeta:metadata 2NodeSpec:spec 3-:status
    Pod 1ObjectMeta:metadata 2PodSpec:spec 3-:status
    Service 1ObjectMeta:metadata 2ServiceSpec:spec 3-:status
    ServiceAccount 1ObjectMeta:metadata 2*ObjectReference:secrets
    ServiceAccount 3*LocalObjectReference:imagePullSecrets 4b:automountServiceAccountToken
    Endpoints 1ObjectMeta:metadata 2*EndpointSubset:subsets
    Binding 1ObjectMeta:metadata 2ObjectReference:target
    Event 1ObjectMeta:metadata 2ObjectReference:involvedObject 3s:reason 4s:message
    Event 5EventSource:source 6t:firstTimestamp 7t:lastTimestamp 8i:count 9s:type 10t:eventTime
    Event 11EventSeries:series 12s:action 13ObjectReference:related 14s:reportingComponent
    Event 15s:reportingInstance
    Deployment 1ObjectMeta:metadata 2DeploymentSpec:spec 3-:status
    ReplicaSet 1ObjectMeta:metadata 2ReplicaSetSpec:spec 3-:status
    DaemonSet 1ObjectMeta:metadata 2DaemonSetSpec:spec 3-:status
    Ingress 1ObjectMeta:metadata 2IngressSpec:spec 3-:status
    IngressClass 1ObjectMeta:metadata 2IngressClassSpec:spec
    EndpointSlice 1ObjectMeta:metadata 4s:addressType 2*Endpoint:endpoints 3*EndpointPort:ports
    Lease 1ObjectMeta:metadata 2LeaseSpec:spec
    SelfSubjectAccessReview 1ObjectMeta:metadata 2SelfSubjectAccessReviewSpec:spec
    SelfSubjectAccessReview 3SubjectAccessReviewStatus:status
    SelfSubjectRulesReview 1ObjectMeta:metadata 2SelfSubjectRulesReviewSpec:spec
    SelfSubjectRulesReview 3SubjectRulesReviewStatus:status
    SelfSubjectReview 1ObjectMeta:metadata 2SelfSubjectReviewStatus:status
    Eviction 1ObjectMeta:metadata 2DeleteOptions:deleteOptions
    Scale 1ObjectMeta:metadata 2ScaleSpec:spec 3ScaleStatus:status
    DeleteOptions 1i:gracePeriodSeconds 2Preconditions:preconditions 3b:orphanDependents
    DeleteOptions 4s:propagationPolicy 5*s:dryRun
    DeleteOptions 6b:ignoreStoreReadErrorWithClusterBreakingPotential
    ObjectMeta 1s:name 2s:generateName 3s:namespace 4s:selfLink 5s:uid 6s:resourceVersion
    ObjectMeta 7i:generation 8t:creationTimestamp 9t:deletionTimestamp
    ObjectMeta 10i:deletionGracePeriodSeconds 11ms:labels 12ms:annotations
    ObjectMeta 13*OwnerReference:ownerReferences 14*s:finalizers 17-:managedFields
    NamespaceSpec 1*s:finalizers
    NodeSpec 1s:podCIDR 7*s:podCIDRs 3s:providerID 4b:unschedulable 5*Taint:taints 2s:externalID
    NodeSpec 8NodePodPreemptionPolicy:podPreemptionPolicy
    PodSpec 1*Volume:volumes 20*Container:initContainers 2*Container:containers 3s:restartPolicy
    PodSpec 4i:terminationGracePeriodSeconds 5i:activeDeadlineSeconds 6s:dnsPolicy
    PodSpec 7ms:nodeSelector 8s:serviceAccountName 9s:serviceAccount
    PodSpec 21b:automountServiceAccountToken 10s:nodeName 11b:hostNetwork 12b:hostPID 13b:hostIPC
    PodSpec 27b:shareProcessNamespace 14PodSecurityContext:securityContext
    PodSpec 15*LocalObjectReference:imagePullSecrets 16s:hostname 17s:subdomain
    PodSpec 18Affinity:affinity 19s:schedulerName 22*Toleration:tolerations
    PodSpec 23*HostAlias:hostAliases 24s:priorityClassName 25i:priority 26PodDNSConfig:dnsConfig
    PodSpec 28*PodReadinessGate:readinessGates 29s:runtimeClassName 30b:enableServiceLinks
    PodSpec 31s:preemptionPolicy 32mq:overhead
    PodSpec 33*TopologySpreadConstraint:topologySpreadConstraints 35b:setHostnameAsFQDN 36PodOS:os
    PodSpec 37b:hostUsers 38*PodSchedulingGate:schedulingGates 40ResourceRequirements:resources
    PodSpec 41s:hostnameOverride 44*EvictionResponder:evictionResponders
    ServiceSpec 1*ServicePort:ports 2ms:selector 3s:clusterIP 18*s:clusterIPs 4s:type
    ServiceSpec 5*s:externalIPs 7s:sessionAffinity 8s:loadBalancerIP 9*s:loadBalancerSourceRanges
    ServiceSpec 10s:externalName 11s:externalTrafficPolicy 12i:healthCheckNodePort
    ServiceSpec 13b:publishNotReadyAddresses 14SessionAffinityConfig:sessionAffinityConfig
    ServiceSpec 19*s:ipFamilies 17s:ipFamilyPolicy 20b:allocateLoadBalancerNodePorts
    ServiceSpec 21s:loadBalancerClass 22s:internalTrafficPolicy 23s:trafficDistribution
    ObjectReference 1s:kind 2s:namespace 3s:name 4s:uid 5s:apiVersion 6s:resourceVersion
    ObjectReference 7s:fieldPath
    LocalObjectReference 1s:name
    EndpointSubset 1*EndpointAddress:addresses 2*EndpointAddress:notReadyAddresses
    EndpointSubset 3*EndpointPort:ports
    EventSource 1s:component 2s:host
    EventSeries 1i:count 2t:lastObservedTime
    DeploymentSpec 1i:replicas 2LabelSelector:selector 3PodTemplateSpec:template
    DeploymentSpec 4DeploymentStrategy:strategy 5i:minReadySeconds 6i:revisionHistoryLimit
    DeploymentSpec 7b:paused 9i:progressDeadlineSeconds
    ReplicaSetSpec 1i:replicas 4i:minReadySeconds 2LabelSelector:selector
    ReplicaSetSpec 3PodTemplateSpec:template
    DaemonSetSpec 1LabelSelector:selector 2PodTemplateSpec:template
    DaemonSetSpec 3DaemonSetUpdateStrategy:updateStrategy 4i:minReadySeconds
    DaemonSetSpec 6i:revisionHistoryLimit
    IngressSpec 4s:ingressClassName 1IngressBackend:defaultBackend 2*IngressTLS:tls
    IngressSpec 3*IngressRule:rules
    IngressClassSpec 1s:controller 2IngressClassParametersReference:parameters
    Endpoint 1*s:addresses 2EndpointConditions:conditions 3s:hostname 4ObjectReference:targetRef
    Endpoint 5ms:deprecatedTopology 6s:nodeName 7s:zone 8EndpointHints:hints
    EndpointPort 1s:name 2i:port 3s:protocol 4s:appProtocol
    LeaseSpec 1s:holderIdentity 2i:leaseDurationSeconds 3t:acquireTime 4t:renewTime
    LeaseSpec 5i:leaseTransitions 6s:strategy 7s:preferredHolder
    SelfSubjectAccessReviewSpec 1ResourceAttributes:resourceAttributes
    SelfSubjectAccessReviewSpec 2NonResourceAttributes:nonResourceAttributes
    SubjectAccessReviewStatus 1b:allowed 4b:denied 2s:reason 3s:evaluationError
    SelfSubjectRulesReviewSpec 1s:namespace
    SubjectRulesReviewStatus 1*ResourceRule:resourceRules 2*NonResourceRule:nonResourceRules
    SubjectRulesReviewStatus 3b:incomplete 4s:evaluationError
    SelfSubjectReviewStatus 1UserInfo:userInfo
    ScaleSpec 1i:replicas
    ScaleStatus 1i:replicas 2s:selector
    Preconditions 1s:uid 2s:resourceVersion
    OwnerReference 5s:apiVersion 1s:kind 3s:name 4s:uid 6b:controller 7b:blockOwnerDeletion
    Taint 1s:key 2s:value 3s:effect 4t:timeAdded
    NodePodPreemptionPolicy 1*s:disableResizePreemption
    Volume 1s:name 2!VolumeSource:volumeSource
    Container 1s:name 2s:image 3*s:command 4*s:args 5s:workingDir 6*ContainerPort:ports
    Container 19*EnvFromSource:envFrom 7*EnvVar:env 8ResourceRequirements:resources
    Container 23*ContainerResizePolicy:resizePolicy 24s:restartPolicy
    Container 25*ContainerRestartRule:restartPolicyRules 9*VolumeMount:volumeMounts
    Container 21*VolumeDevice:volumeDevices 10Probe:livenessProbe 11Probe:readinessProbe
    Container 22Probe:startupProbe 12Lifecycle:lifecycle 13s:terminationMessagePath
    Container 20s:terminationMessagePolicy 14s:imagePullPolicy 15SecurityContext:securityContext
    Container 16b:stdin 17b:stdinOnce 18b:tty
    PodSecurityContext 1SELinuxOptions:seLinuxOptions 2i:runAsUser 6i:runAsGroup 3b:runAsNonRoot
    PodSecurityContext 4*i:supplementalGroups 12s:supplementalGroupsPolicy 5i:fsGroup
    PodSecurityContext 7*Sysctl:sysctls 9s:fsGroupChangePolicy 10SeccompProfile:seccompProfile
    PodSecurityContext 11AppArmorProfile:appArmorProfile 13s:seLinuxChangePolicy
    Affinity 1NodeAffinity:nodeAffinity 2PodAffinity:podAffinity 3PodAntiAffinity:podAntiAffinity
    Toleration 1s:key 2s:operator 3s:value 4s:effect 5i:tolerationSeconds
    HostAlias 1s:ip 2*s:hostnames
    PodDNSConfig 1*s:nameservers 2*s:searches 3*PodDNSConfigOption:options
    PodReadinessGate 1s:conditionType
    TopologySpreadConstraint 1i:maxSkew 2s:topologyKey 3s:whenUnsatisfiable
    TopologySpreadConstraint 4LabelSelector:labelSelector 5i:minDomains 6s:nodeAffinityPolicy
    TopologySpreadConstraint 7s:nodeTaintsPolicy 8*s:matchLabelKeys
    PodOS 1s:name
    PodSchedulingGate 1s:name
    ResourceRequirements 1mq:limits 2mq:requests 3*ResourceClaim:claims
    EvictionResponder 1s:name 2i:priority
    ServicePort 1s:name 2s:protocol 6s:appProtocol 3i:port 4x:targetPort 5i:nodePort
    SessionAffinityConfig 1ClientIPConfig:clientIP
    EndpointAddress 1s:ip 3s:hostname 4s:nodeName 2ObjectReference:targetRef
    LabelSelector 1ms:matchLabels 2*LabelSelectorRequirement:matchExpressions
    PodTemplateSpec 1ObjectMeta:metadata 2PodSpec:spec
    DeploymentStrategy 1s:type 2RollingUpdateDeployment:rollingUpdate
    DaemonSetUpdateStrategy 1s:type 2RollingUpdateDaemonSet:rollingUpdate
    IngressBackend 4IngressServiceBackend:service 3TypedLocalObjectReference:resource
    IngressTLS 1*s:hosts 2s:secretName
    IngressRule 1s:host 2!IngressRuleValue:ingressRuleValue
    IngressClassParametersReference 1s:aPIGroup 2s:kind 3s:name 4s:scope 5s:namespace
    EndpointConditions 1b:ready 2b:serving 3b:terminating
    EndpointHints 1*ForZone:forZones 2*ForNode:forNodes
    ResourceAttributes 1s:namespace 2s:verb 3s:group 4s:version 5s:resource 6s:subresource 7s:name
    ResourceAttributes 8FieldSelectorAttributes:fieldSelector
    ResourceAttributes 9LabelSelectorAttributes:labelSelector
    NonResourceAttributes 1s:path 2s:verb
    ResourceRule 1*s:verbs 2*s:apiGroups 3*s:resources 4*s:resourceNames
    NonResourceRule 1*s:verbs 2*s:nonResourceURLs
    UserInfo 1s:username 2s:uid 3*s:groups 4mExtraValue:extra
    VolumeSource 1HostPathVolumeSource:hostPath 2EmptyDirVolumeSource:emptyDir
    VolumeSource 6SecretVolumeSource:secret 7NFSVolumeSource:nfs
    VolumeSource 16DownwardAPIVolumeSource:downwardAPI 19ConfigMapVolumeSource:configMap
    VolumeSource 26ProjectedVolumeSource:projected
    ContainerPort 1s:name 2i:hostPort 3i:containerPort 4s:protocol 5s:hostIP
    EnvFromSource 1s:prefix 2ConfigMapEnvSource:configMapRef 3SecretEnvSource:secretRef
    EnvVar 1s:name 2s:value 3EnvVarSource:valueFrom
    ContainerResizePolicy 1s:resourceName 2s:restartPolicy
    ContainerRestartRule 1s:action 2ContainerRestartRuleOnExitCodes:exitCodes
    VolumeMount 1s:name 2b:readOnly 7s:recursiveReadOnly 3s:mountPath 4s:subPath
    VolumeMount 5s:mountPropagation 6s:subPathExpr 8*s:bindMountOptions
    VolumeDevice 1s:name 2s:devicePath
    Probe 1!ProbeHandler:handler 2i:initialDelaySeconds 3i:timeoutSeconds 4i:periodSeconds
    Probe 5i:successThreshold 6i:failureThreshold 7i:terminationGracePeriodSeconds
    Lifecycle 1LifecycleHandler:postStart 2LifecycleHandler:preStop 3s:stopSignal
    SecurityContext 1Capabilities:capabilities 2b:privileged 3SELinuxOptions:seLinuxOptions
    SecurityContext 4i:runAsUser 8i:runAsGroup 5b:runAsNonRoot 6b:readOnlyRootFilesystem
    SecurityContext 7b:allowPrivilegeEscalation 9s:procMount 11SeccompProfile:seccompProfile
    SecurityContext 12AppArmorProfile:appArmorProfile
    SELinuxOptions 1s:user 2s:role 3s:type 4s:level
    Sysctl 1s:name 2s:value
    SeccompProfile 1s:type 2s:localhostProfile
    AppArmorProfile 1s:type 2s:localhostProfile
    NodeAffinity 1NodeSelector:requiredDuringSchedulingIgnoredDuringExecution
    NodeAffinity 2*PreferredSchedulingTerm:preferredDuringSchedulingIgnoredDuringExecution
    PodAffinity 1*PodAffinityTerm:requiredDuringSchedulingIgnoredDuringExecution
    PodAffinity 2*WeightedPodAffinityTerm:preferredDuringSchedulingIgnoredDuringExecution
    PodAntiAffinity 1*PodAffinityTerm:requiredDuringSchedulingIgnoredDuringExecution
    PodAntiAffinity 2*WeightedPodAffinityTerm:preferredDuringSchedulingIgnoredDuringExecution
    PodDNSConfigOption 1s:name 2s:value
    ResourceClaim 1s:name 2s:request
    ClientIPConfig 1i:timeoutSeconds
    LabelSelectorRequirement 1s:key 2s:operator 3*s:values
    RollingUpdateDeployment 1x:maxUnavailable 2x:maxSurge
    RollingUpdateDaemonSet 1x:maxUnavailable 2x:maxSurge
    IngressServiceBackend 1s:name 2ServiceBackendPort:port
    TypedLocalObjectReference 1s:apiGroup 2s:kind 3s:name
    IngressRuleValue 1HTTPIngressRuleValue:http
    ForZone 1s:name
    ForNode 1s:name
    FieldSelectorAttributes 1s:rawSelector 2*FieldSelectorRequirement:requirements
    LabelSelectorAttributes 1s:rawSelector 2*LabelSelectorRequirement:requirements
    ExtraValue 1*s:items
    HostPathVolumeSource 1s:path 2s:type
    EmptyDirVolumeSource 1s:medium 2q:sizeLimit 3i:mode
    SecretVolumeSource 1s:secretName 2*KeyToPath:items 3i:defaultMode 4b:optional 5i:defaultUser
    NFSVolumeSource 1s:server 2s:path 3b:readOnly
    DownwardAPIVolumeSource 1*DownwardAPIVolumeFile:items 2i:defaultMode 3i:defaultUser
    ConfigMapVolumeSource 1!LocalObjectReference:localObjectReference 2*KeyToPath:items
    ConfigMapVolumeSource 3i:defaultMode 4b:optional 5i:defaultUser
    ProjectedVolumeSource 1*VolumeProjection:sources 2i:defaultMode 3i:defaultUser
    ConfigMapEnvSource 1!LocalObjectReference:localObjectReference 2b:optional
    SecretEnvSource 1!LocalObjectReference:localObjectReference 2b:optional
    EnvVarSource 1ObjectFieldSelector:fieldRef 2ResourceFieldSelector:resourceFieldRef
    EnvVarSource 3ConfigMapKeySelector:configMapKeyRef 4SecretKeySelector:secretKeyRef
    ContainerRestartRuleOnExitCodes 1s:operator 2*i:values
    ProbeHandler 1ExecAction:exec 2HTTPGetAction:httpGet 3TCPSocketAction:tcpSocket
    ProbeHandler 4GRPCAction:grpc
    LifecycleHandler 1ExecAction:exec 2HTTPGetAction:httpGet 3TCPSocketAction:tcpSocket
    LifecycleHandler 4SleepAction:sleep
    Capabilities 1*s:add 2*s:drop
    NodeSelector 1*NodeSelectorTerm:nodeSelectorTerms
    PreferredSchedulingTerm 1i:weight 2NodeSelectorTerm:preference
    PodAffinityTerm 1LabelSelector:labelSelector 2*s:namespaces 3s:topologyKey
    PodAffinityTerm 4LabelSelector:namespaceSelector 5*s:matchLabelKeys 6*s:mismatchLabelKeys
    WeightedPodAffinityTerm 1i:weight 2PodAffinityTerm:podAffinityTerm
    ServiceBackendPort 1s:name 2i:number
    HTTPIngressRuleValue 1*HTTPIngressPath:paths
    FieldSelectorRequirement 1s:key 2s:operator 3*s:values
    KeyToPath 1s:key 2s:path 3i:mode 4i:user
    DownwardAPIVolumeFile 1s:path 2ObjectFieldSelector:fieldRef
    DownwardAPIVolumeFile 3ResourceFieldSelector:resourceFieldRef 4i:mode 5i:user
    VolumeProjection 1SecretProjection:secret 2DownwardAPIProjection:downwardAPI
    VolumeProjection 3ConfigMapProjection:configMap
    VolumeProjection 4ServiceAccountTokenProjection:serviceAccountToken
    ObjectFieldSelector 1s:apiVersion 2s:fieldPath
    ResourceFieldSelector 1s:containerName 2s:resource 3q:divisor
    ConfigMapKeySelector 1!LocalObjectReference:localObjectReference 2s:key 3b:optional
    SecretKeySelector 1!LocalObjectReference:localObjectReference 2s:key 3b:optional
    ExecAction 1*s:command
    HTTPGetAction 1s:path 2x:port 3s:host 4s:scheme 5*HTTPHeader:httpHeaders 6s:protocol
    TCPSocketAction 1x:port 2s:host
    GRPCAction 1i:port 2s:service 3s:mode
    SleepAction 1i:seconds
    NodeSelectorTerm 1*NodeSelectorRequirement:matchExpressions
    NodeSelectorTerm 2*NodeSelectorRequirement:matchFields
    HTTPIngressPath 1s:path 3s:pathType 2IngressBackend:backend
    SecretProjection 1!LocalObjectReference:localObjectReference 2*KeyToPath:items 4b:optional
    DownwardAPIProjection 1*DownwardAPIVolumeFile:items
    ConfigMapProjection 1!LocalObjectReference:localObjectReference 2*KeyToPath:items 4b:optional
    ServiceAccountTokenProjection 1s:audience 2i:expirationSeconds 3s:path 4i:user
    HTTPHeader 1s:name 2s:value
    NodeSelectorRequirement 1s:key 2s:operator 3*s:values
    """
}
