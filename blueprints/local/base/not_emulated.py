"""The resource types that CloudFormation accepts here although the service behind them is not emulated."""

_NO_NETWORK = "stored; it is no real network: no traffic is routed or filtered"
_NO_INSTANCES = "stored; capacity does not change by itself"

# Types that the base emulator lacks and no other resource needs in order to work.
_STORED = {
    "AWS::AppSync::ApiCache": "stored; no response is cached",
    "AWS::AppSync::DomainName": "stored; nothing answers at its domain name",
    "AWS::AppSync::DomainNameApiAssociation": "stored; nothing answers at its domain name",
    "AWS::ApplicationAutoScaling::ScalableTarget": _NO_INSTANCES,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _NO_INSTANCES,
    "AWS::ApplicationInsights::Application": "stored; nothing is monitored",
    "AWS::Budgets::Budget": "stored; there are no costs here",
    "AWS::CloudTrail::Trail": "stored; no calls are recorded",
    "AWS::CloudWatch::AnomalyDetector": "stored; no metric is watched",
    "AWS::EC2::EIP": _NO_NETWORK,
    "AWS::EC2::FlowLog": _NO_NETWORK,
    "AWS::EC2::NatGateway": _NO_NETWORK,
    "AWS::EC2::SecurityGroupEgress": _NO_NETWORK,
    "AWS::EC2::SecurityGroupIngress": _NO_NETWORK,
    "AWS::Events::Archive": "stored; no events are archived or replayed",
    "AWS::Logs::QueryDefinition": "stored; there are no saved queries",
    "AWS::ResourceGroups::Group": "stored; resources are not grouped",
    "AWS::SecretsManager::ResourcePolicy": "stored; the secret's policy is not checked",
    "AWS::SecretsManager::RotationSchedule": "stored; the secret is not rotated",
    "AWS::WAFv2::LoggingConfiguration": "stored; no request is inspected or logged",
    "AWS::WAFv2::WebACLAssociation": "stored; no request is inspected",
    "AWS::XRay::Group": "stored; no traces",
    "AWS::XRay::SamplingRule": "stored; no traces",
}
STORED = frozenset(_STORED)
"""Types whose resources are only stored, by this project."""
NOT_EMULATED = {
    **_STORED,
    "AWS::Backup::BackupPlan": "stored; nothing is backed up",
    "AWS::CloudFront::Distribution": "stored; nothing answers at its domain name",
    "AWS::CloudFront::Function": "stored; it never runs",
    "AWS::EC2::SecurityGroup": _NO_NETWORK,
    "AWS::EC2::VPC": _NO_NETWORK,
    "AWS::EC2::VPCEndpoint": _NO_NETWORK,
    "AWS::ElastiCache::CacheCluster": "its engine runs only where Docker does",
    "AWS::ElastiCache::ReplicationGroup": "its engine runs only where Docker does",
    "AWS::OpenSearchService::Domain": "its engine runs only where Docker does",
    "AWS::Route53::RecordSet": "stored; its names do not resolve",
    "AWS::WAFv2::WebACL": "stored; no request is inspected",
}
"""Every type without its behaviour; `run` and `up` list each such resource with this sentence."""
