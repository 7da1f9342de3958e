// What resolvers import, by the name of the module.

const MODULES = {
  "@aws-appsync/utils": { util, runtime, extensions },
  "@aws-appsync/utils/dynamodb": dynamodbModule,
};
