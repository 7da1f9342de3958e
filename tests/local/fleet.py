"""Releases of three functions in one stack, whose aliases do not depend on each other."""

from tests.local.releases import CANARY, Releases, alarm_on, group
from tests.local.resources import function_resource
from tests.local.waiting import until

ALIASES = ("Alias", "BravoAlias", "CharlieAlias")
OLD = [("1", {})] * 3
NEW = [("2", {})] * 3


class Fleet(Releases):
    """A stack with three functions, each with an alias that is a long canary by default.

    The base emulator comes to `BravoAlias` first, then to `CharlieAlias` and `Alias`.
    """

    def template(self, release, bravo=None, charlie=None, canary=CANARY["LongCanary"], group_changes=None, **settings):
        """The template of a release; `bravo` and `charlie` are settings of these functions."""
        changes = {
            **self._beside("Bravo", release, group_changes, **(bravo or {})),
            **self._beside("Charlie", release, group_changes, **(charlie or {})),
            "LongCanary": canary,
        }
        alarms = settings.get("alarms", ())
        changes["Group"] = canary_group(alarms, group_changes)
        return super().template(release, **{**changes, **settings})

    def _beside(self, name, release, group_changes, before=None, alarms=(), depends_on=(), description=""):
        policy = {"ApplicationName": {"Ref": "Application"}, "DeploymentGroupName": {"Ref": f"{name}Group"}}
        resources = {
            name: function_resource(
                f"def handler(event, context):\n    return {release}", FunctionName=f"{self.name}-{name}"
            ),
            f"{name}Version{release}": {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": name}},
            },
            f"{name}Alias": {
                "Type": "AWS::Lambda::Alias",
                "DependsOn": list(depends_on),
                "Properties": {
                    "Name": "live",
                    "FunctionName": {"Ref": name},
                    "FunctionVersion": {"Fn::GetAtt": [f"{name}Version{release}", "Version"]},
                    "Description": description,
                },
                "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": policy},
            },
            f"{name}Group": canary_group(alarms, group_changes),
        }
        if before:
            resources[f"{name}Hook"] = function_resource(before, FunctionName=f"CodeDeployHook_{self.name}_{name}")
            policy["BeforeAllowTrafficHook"] = {"Ref": f"{name}Hook"}
        for alarm in alarms:
            resources[alarm] = {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm_on(f"{self.name}-{alarm}")}
        return resources

    def aliases(self):
        """The version of each alias, and its weights."""
        client = self.cloud.client("lambda")
        found = [
            client.get_alias(FunctionName=function, Name="live")
            for function in (self.function, f"{self.name}-Bravo", f"{self.name}-Charlie")
        ]
        return [
            (each["FunctionVersion"], each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))
            for each in found
        ]

    def until_all_are_canaries(self):
        """Wait until the new version of each function has a tenth of the traffic."""
        until(lambda: self.aliases() == [("1", {"2": 0.1})] * 3)

    def all_deployments(self):
        """The status of every deployment of the stack's updates, of all three functions."""
        client = self.cloud.client("codedeploy")
        ids = client.list_deployments()["deployments"]
        found = [client.get_deployment(deploymentId=each)["deploymentInfo"] for each in ids]
        own = [each for each in found if each["applicationName"] == self.outputs["Application"]]
        return [each["status"] for each in own if each["creator"] == "CloudFormation"]

    def stack_events(self, status):
        """The resources that had this status, in order, with the reasons."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            (each["LogicalResourceId"], each.get("ResourceStatusReason", ""))
            for each in reversed(events)
            if each["ResourceStatus"] == status
        ]

    def events_of_aliases(self):
        """The statuses of each alias's events, without those of its creation."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        statuses = {each: [] for each in ALIASES}
        for each in reversed(events):
            if each["LogicalResourceId"] in statuses and not each["ResourceStatus"].startswith("CREATE"):
                statuses[each["LogicalResourceId"]].append(each["ResourceStatus"].removeprefix("UPDATE_"))
        return statuses

    def moments(self, status):
        """When the aliases had this status."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            each["Timestamp"]
            for each in events
            if each["LogicalResourceId"] in ALIASES and each["ResourceStatus"] == status
        ]

    def delete(self):
        """Delete the stack."""
        client = self.cloud.client("cloudformation")
        client.delete_stack(StackName=self.name)
        until(lambda: self.status_by_id() == "DELETE_COMPLETE")

    def status_by_id(self):
        """The stack's status, also after its deletion."""
        pages = self.cloud.client("cloudformation").get_paginator("list_stacks").paginate()
        stacks = (each for page in pages for each in page["StackSummaries"])
        return next(each["StackStatus"] for each in stacks if each["StackName"] == self.name)


def canary_group(alarms, changes):
    """A deployment group with the stack's canary."""
    properties = {**group({"Ref": "LongCanary"}, alarms), **(changes or {})}
    return {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": properties}
