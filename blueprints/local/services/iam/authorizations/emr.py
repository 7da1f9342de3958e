"""Amazon EMR: clusters, several at once.

Source: Service Authorization Reference, "Amazon Elastic MapReduce".
"""

from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation


def _clusters(call: Call) -> list[str]:
    named = [*call.texts("JobFlowIds"), call.text("ClusterId", "JobFlowId")]
    return [call.arn(f"cluster/{name}") for name in named if name] or ["*"]


_OPERATIONS: Operations = {
    name: (Needs(name, any_resource),)
    for name in ("ListClusters", "ListReleaseLabels", "ListSecurityConfigurations", "RunJobFlow")
}

SERVICES = {"elasticmapreduce": by_operation("elasticmapreduce", _OPERATIONS, default=_clusters)}
