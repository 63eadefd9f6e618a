// The broker in Azure: storage for tables and queues, a key that wraps all data keys, the function app and its Easy Auth settings.
@minLength(3)
@maxLength(40)
param name string
param location string = resourceGroup().location
param tenantId string = tenant().tenantId
@description('Client id of the app registration that Easy Auth and the broker share')
param clientId string
@secure()
param clientSecret string
@description('NCRONTAB of the refresh timer')
param refreshSchedule string = '0 * * * * *'

var suffix = uniqueString(resourceGroup().id, name)
var issuer = '${environment().authentication.loginEndpoint}${tenantId}/v2.0'

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: take('broker${suffix}', 24)
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: take('broker-${suffix}', 24)
  location: location
  properties: {
    tenantId: tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
  }

  resource wrappingKey 'keys' = {
    name: 'broker-kek'
    properties: { kty: 'RSA', keySize: 3072, keyOps: [ 'wrapKey', 'unwrapKey' ] }
  }
}

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: '${name}-plan'
  location: location
  kind: 'elastic'
  sku: { name: 'EP1', tier: 'ElasticPremium' }
  properties: { reserved: true, maximumElasticWorkerCount: 10 }
}

resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    siteConfig: {
      linuxFxVersion: 'Node|22'
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      healthCheckPath: '/health/live'
      appSettings: [
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
        { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'node' }
        { name: 'AzureWebJobsStorage__accountName', value: storage.name }
        { name: 'AzureWebJobsDisableHomepage', value: 'true' }
        { name: 'BROKER_ISSUER', value: 'https://${name}.azurewebsites.net' }
        { name: 'BROKER_TABLES_ENDPOINT', value: storage.properties.primaryEndpoints.table }
        { name: 'BROKER_VAULT_KEY_ID', value: '${vault.properties.vaultUri}keys/${vault::wrappingKey.name}' }
        { name: 'BROKER_AAD_ISSUER', value: issuer }
        { name: 'BROKER_AAD_CLIENT_ID', value: clientId }
        { name: 'MICROSOFT_PROVIDER_AUTHENTICATION_SECRET', value: clientSecret }
        { name: 'BROKER_REFRESH_SCHEDULE', value: refreshSchedule }
      ]
    }
  }
}

resource auth 'Microsoft.Web/sites/config@2023-12-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      redirectToProvider: 'azureactivedirectory'
      // Where the broker itself decides who may call.
      excludedPaths: [ '/', '/portal', '/portal/*', '/authorize', '/token', '/revoke', '/introspect', '/.well-known/*', '/jwks', '/openapi.json', '/health/*' ]
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          openIdIssuer: issuer
          clientId: clientId
          clientSecretSettingName: 'MICROSOFT_PROVIDER_AUTHENTICATION_SECRET'
        }
        login: { loginParameters: [ 'scope=openid profile email offline_access' ] }
        validation: { allowedAudiences: [ 'api://${clientId}' ] }
      }
    }
    login: { tokenStore: { enabled: true, tokenRefreshExtensionHours: 72 } }
  }
}

var storageRoles = {
  tables: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  queues: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  blobs: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
}

resource storageAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(storageRoles): {
  name: guid(storage.id, app.id, role.value)
  scope: storage
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
}]

resource vaultAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, app.id, 'crypto-user')
  scope: vault
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    // Key Vault Crypto Service Encryption User: get, wrapKey, unwrapKey.
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'e147488a-f6f5-4113-8e2d-b22465e65bf6')
  }
}
