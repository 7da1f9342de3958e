"""What the Serverless Application Repository accepts, and what it refuses.

limits          lengths, patterns, sizes, licences, resource types
versions        the order of semantic versions
capabilities    the capabilities that deploying an application requires
iam_grants      IAM permissions for which the repository blocks an application
resource_types  findings in a template's resource types
template_form   findings in a template's transform, local paths and size
findings        a finding, and the verdict of several
"""
