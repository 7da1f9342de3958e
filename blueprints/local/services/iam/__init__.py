"""IAM: which resource a request is about, and what policies and roles allow."""
