import Kubernetes
import Linux

extension APIServer {
  /// Reviews: questions about the caller, answered and not stored.
  func review(
    _ target: ResourcePath.Target, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse? {
    guard ["authorization.k8s.io", "authentication.k8s.io"].contains(target.group) else {
      return nil
    }
    guard request.method == "POST", target.name == nil else { throw .methodNotAllowed() }
    var review = request.body.isEmpty ? JSON.object([:]) : try decode(request.body, request)
    review["apiVersion"] = .string("\(target.group)/\(target.version)")
    switch target.plural {
    case "selfsubjectaccessreviews":
      review["kind"] = "SelfSubjectAccessReview"
      review["status"] = ["allowed": .bool(isAllowed(review["spec"], request.user))]
    case "selfsubjectrulesreviews":
      review["kind"] = "SelfSubjectRulesReview"
      let isAdmin = request.user.groups.contains("system:masters")
      let all: JSON = ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]
      review["status"] = [
        "resourceRules": isAdmin ? [all] : [], "incomplete": .bool(!isAdmin),
        "nonResourceRules": [["verbs": isAdmin ? ["*"] : ["get"], "nonResourceURLs": ["*"]]],
      ]
    case "selfsubjectreviews":
      review["kind"] = "SelfSubjectReview"
      review["status"] = [
        "userInfo": [
          "username": .string(request.user.name),
          "groups": JSON(request.user.groups),
        ]
      ]
    default: throw .unknownResource
    }
    return .json(review, status: 201)
  }

  private func isAllowed(_ spec: JSON, _ user: UserInfo) -> Bool {
    if let path = spec["nonResourceAttributes"]["path"].string {
      let verb = spec["nonResourceAttributes"]["verb"].string ?? "get"
      return authorizer.allows(user, Authorizer.Attributes(verb: verb, path: path))
    }
    let asked = spec["resourceAttributes"]
    return authorizer.allows(
      user,
      Authorizer.Attributes(
        verb: asked["verb"].string ?? "", group: asked["group"].string ?? "",
        resource: asked["resource"].string ?? "",
        subresource: asked["subresource"].string ?? "",
        namespace: asked["namespace"].string ?? "", name: asked["name"].string ?? ""))
  }
}
