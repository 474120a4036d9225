//! Every operation is offered where the list of operations says, and nowhere else. For REST see `http/api/table.rs`.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use zato_sso::domain::{Face, Operation};

use crate::command::Folder;
use crate::rest::Server;
use crate::support::Kind;

on_both_databases! {
    every_address_for_browsers_is_served;
    every_address_of_the_provider_is_served;
}

/// The command that calls it.
const COMMANDS: &[(Operation, &str)] = &[
    (Operation::UserLogin, "login"),
    (Operation::UserLogout, "logout"),
    (Operation::UserGetByUsername, "show-user"),
    (Operation::UserList, "list-users"),
    (Operation::UserCreate, "create-user"),
    (Operation::UserCreateSuperUser, "create-super-user"),
    (Operation::UserEnsureSuperUser, "create-super-user"),
    (Operation::UserUpdateById, "update-user"),
    (Operation::UserDeleteById, "delete-user"),
    (Operation::UserLock, "lock-user"),
    (Operation::UserUnlock, "unlock-user"),
    (Operation::UserSetPassword, "change-user-password"),
    (Operation::UserListExpiringPasswords, "expiring-passwords"),
    (Operation::UserResetTotpKey, "reset-totp-key"),
    (Operation::RecoveryCodeGenerate, "generate-recovery-codes"),
    (Operation::PasskeyGetList, "list-passkeys"),
    (Operation::PasskeyDelete, "delete-passkeys"),
    (Operation::GroupCreate, "create-group"),
    (Operation::GroupGet, "delete-group"),
    (Operation::GroupGetList, "list-groups"),
    (Operation::GroupDelete, "delete-group"),
    (Operation::GroupAddMember, "add-to-group"),
    (Operation::GroupRemoveMember, "remove-from-group"),
    (Operation::AuditSearch, "audit"),
    (Operation::AuditExport, "export audit"),
    (Operation::ClientCreate, "create-client"),
    (Operation::ClientGet, "show-client"),
    (Operation::ClientGetList, "list-clients"),
    (Operation::ClientUpdate, "update-client"),
    (Operation::ClientDelete, "delete-client"),
    (Operation::ClientRotateSecret, "rotate-client-secret"),
    (Operation::SigningKeyRotate, "rotate-signing-keys"),
    (Operation::UserImport, "import users"),
    (Operation::UserMigrateUsernames, "migrate"),
    (Operation::UserExport, "export users"),
    (Operation::SessionListOfUser, "list-sessions"),
    (Operation::SessionEnd, "end-sessions"),
    (Operation::SessionEndAll, "end-sessions"),
    (Operation::SecDefCreate, "create-sec-def"),
    (Operation::SecDefList, "list-sec-defs"),
    (Operation::SecDefGet, "delete-sec-def"),
    (Operation::SecDefDelete, "delete-sec-def"),
    (Operation::SiteCreate, "create-site"),
    (Operation::SiteList, "list-sites"),
    (Operation::SiteUpdate, "update-site"),
    (Operation::SiteDelete, "delete-site"),
    (Operation::SiteActAs, "delete-site"),
    (Operation::MaintenanceCleanUp, "cleanup"),
];

/// The method that calls it.
const METHODS: &[(Operation, &str)] = &[
    (Operation::UserLogin, "UserAPI.login"),
    (Operation::UserLogout, "UserAPI.logout"),
    (Operation::UserGetCurrent, "UserAPI.get_current_user"),
    (Operation::UserGetById, "UserAPI.get_user_by_id"),
    (Operation::UserGetByUsername, "UserAPI.get_user_by_username"),
    (Operation::UserCreate, "UserAPI.create_user"),
    (Operation::UserCreateSuperUser, "UserAPI.create_super_user"),
    (Operation::UserEnsureSuperUser, "UserAPI.ensure_super_user"),
    (Operation::UserUpdateCurrent, "UserAPI.update_current_user"),
    (Operation::UserUpdateById, "UserAPI.update_user_by_id"),
    (Operation::UserDeleteById, "UserAPI.delete_user_by_id"),
    (Operation::UserDeleteByUsername, "UserAPI.delete_user_by_username"),
    (Operation::UserApprove, "UserAPI.approve_user"),
    (Operation::UserReject, "UserAPI.reject_user"),
    (Operation::UserLock, "UserAPI.lock_user"),
    (Operation::UserUnlock, "UserAPI.unlock_user"),
    (Operation::UserSearch, "UserAPI.search"),
    (Operation::UserSignup, "UserAPI.signup"),
    (Operation::UserConfirmSignup, "UserAPI.confirm_signup"),
    (Operation::UserConfirmEmail, "UserAPI.confirm_email"),
    (Operation::UserResendConfirmation, "UserAPI.resend_confirmation"),
    (Operation::UserChangePassword, "UserAPI.change_password"),
    (Operation::UserSetPassword, "UserAPI.set_password"),
    (Operation::UserResetTotpKey, "UserAPI.reset_totp_key"),
    (Operation::UserImport, "SSO.import_users"),
    (Operation::UserCreateLinkedAuth, "UserAPI.create_linked_auth"),
    (Operation::UserGetLinkedAuthList, "UserAPI.get_linked_auth_list"),
    (Operation::UserDeleteLinkedAuth, "UserAPI.delete_linked_auth"),
    (Operation::UserGetByLinkedAuth, "UserAPI.get_user_by_linked_auth"),
    (Operation::UserAttrCreate, "UserAttrAPI.create"),
    (Operation::UserAttrUpdate, "UserAttrAPI.update"),
    (Operation::UserAttrSet, "UserAttrAPI.set"),
    (Operation::UserAttrSetExpiry, "UserAttrAPI.set_expiry"),
    (Operation::UserAttrDelete, "UserAttrAPI.delete"),
    (Operation::UserAttrGet, "UserAttrAPI.get"),
    (Operation::UserAttrGetAll, "UserAttrAPI.to_dict"),
    (Operation::UserAttrExists, "UserAttrAPI.exists"),
    (Operation::UserAttrNames, "UserAttrAPI.names"),
    (Operation::SessionAttrCreate, "SessionAttrAPI.create"),
    (Operation::SessionAttrUpdate, "SessionAttrAPI.update"),
    (Operation::SessionAttrSet, "SessionAttrAPI.set"),
    (Operation::SessionAttrSetExpiry, "SessionAttrAPI.set_expiry"),
    (Operation::SessionAttrDelete, "SessionAttrAPI.delete"),
    (Operation::SessionAttrGet, "SessionAttrAPI.get"),
    (Operation::SessionAttrGetAll, "SessionAttrAPI.to_dict"),
    (Operation::SessionAttrExists, "SessionAttrAPI.exists"),
    (Operation::SessionAttrNames, "SessionAttrAPI.names"),
    (Operation::SessionVerify, "SessionAPI.verify"),
    (Operation::SessionRenew, "SessionAPI.renew"),
    (Operation::SessionReauthenticate, "SessionAPI.reauthenticate"),
    (Operation::SessionGet, "SessionAPI.get"),
    (Operation::SessionGetList, "SessionAPI.get_list"),
    (Operation::SessionEnd, "SessionAPI.end"),
    (Operation::SessionEndAll, "SessionAPI.end_all"),
    (Operation::SessionGetCurrent, "SessionAPI.get_current_session"),
    (Operation::SessionRequireSuperUser, "SessionAPI.require_super_user"),
    (Operation::SessionOnExternalAuthSucceeded, "SessionAPI.on_external_auth_succeeded"),
    (Operation::SessionGetByExtId, "SessionAPI.get_session_by_ext_id"),
    (Operation::TotpValidateCode, "TOTPAPI.validate_code"),
    (Operation::TotpProvisioningUri, "TOTPAPI.provisioning_uri"),
    (Operation::TotpBeginEnrolment, "TOTPAPI.begin_enrolment"),
    (Operation::TotpFinishEnrolment, "TOTPAPI.finish_enrolment"),
    (Operation::TotpDisable, "TOTPAPI.disable"),
    (Operation::RecoveryCodeGenerate, "RecoveryCodeAPI.generate"),
    (Operation::RecoveryCodeCount, "RecoveryCodeAPI.count"),
    (Operation::PasskeyBeginRegistration, "PasskeyAPI.begin_registration"),
    (Operation::PasskeyFinishRegistration, "PasskeyAPI.finish_registration"),
    (Operation::PasskeyBeginLogin, "PasskeyAPI.begin_login"),
    (Operation::PasskeyFinishLogin, "PasskeyAPI.finish_login"),
    (Operation::PasskeyBeginReauthentication, "PasskeyAPI.begin_reauthentication"),
    (Operation::PasskeyFinishReauthentication, "PasskeyAPI.finish_reauthentication"),
    (Operation::PasskeyGetList, "PasskeyAPI.get_list"),
    (Operation::PasskeyRename, "PasskeyAPI.rename"),
    (Operation::PasskeyDelete, "PasskeyAPI.delete"),
    (Operation::GroupCreate, "GroupAPI.create"),
    (Operation::GroupGet, "GroupAPI.get"),
    (Operation::GroupGetList, "GroupAPI.get_list"),
    (Operation::GroupUpdate, "GroupAPI.update"),
    (Operation::GroupDelete, "GroupAPI.delete"),
    (Operation::GroupAddMember, "GroupAPI.add_member"),
    (Operation::GroupRemoveMember, "GroupAPI.remove_member"),
    (Operation::GroupGetMembers, "GroupAPI.get_members"),
    (Operation::AuditSearch, "AuditAPI.search"),
    (Operation::ClientCreate, "ClientAPI.create"),
    (Operation::ClientGet, "ClientAPI.get"),
    (Operation::ClientGetList, "ClientAPI.get_list"),
    (Operation::ClientUpdate, "ClientAPI.update"),
    (Operation::ClientDelete, "ClientAPI.delete"),
    (Operation::ClientRotateSecret, "ClientAPI.rotate_secret"),
    (Operation::TokenVerify, "TokenAPI.verify"),
    (Operation::TokenGetUser, "Token.user"),
    (Operation::UserGrantGetList, "UserGrantAPI.get_list"),
    (Operation::UserGrantRevoke, "UserGrantAPI.revoke"),
    (Operation::PasswordResetCreateToken, "PasswordResetAPI.create_token"),
    (Operation::PasswordResetAccessToken, "PasswordResetAPI.access_token"),
    (Operation::PasswordResetChangePassword, "PasswordResetAPI.change_password"),
    (Operation::IdentityGet, "IdentityAPI.get"),
    (Operation::IdentityList, "IdentityAPI.get_list"),
    (Operation::SiteCreate, "SiteAPI.create"),
    (Operation::SiteList, "SiteAPI.get_list"),
    (Operation::SiteUpdate, "SiteAPI.update"),
    (Operation::SiteDelete, "SiteAPI.delete"),
    // Each call on behalf of a site does it first.
    (Operation::SiteActAs, "SiteAPI.start_session"),
    (Operation::SiteStartSession, "SiteAPI.start_session"),
    (Operation::SiteListSessions, "SiteAPI.get_session_list"),
    (Operation::SiteGetSession, "SiteAPI.get_session"),
    (Operation::SiteGetSessionOfIdentity, "SiteAPI.get_identity_session"),
    (Operation::SiteEndSession, "SiteAPI.end_session"),
    (Operation::SiteEndSessionOfIdentity, "SiteAPI.end_identity_session"),
];

/// The request of the sessions API that calls it.
pub const SITES: &[(Operation, &str)] = &[
    // Each request does it first.
    (Operation::SiteAuthenticate, "get /sso/sessions"),
    (Operation::SiteListSessions, "get /sso/sessions"),
    (Operation::SiteGetSession, "get /sso/sessions/{token}"),
    (Operation::SiteEndSession, "delete /sso/sessions/{token}"),
    (Operation::SiteStartSession, "put /sso/sessions/identities/{token}"),
    (Operation::SiteGetSessionOfIdentity, "get /sso/sessions/identities/{token}"),
    (Operation::SiteEndSessionOfIdentity, "delete /sso/sessions/identities/{token}"),
    (Operation::SiteCreateUser, "post /storage/users"),
    (Operation::SiteLookUpUser, "post /storage/users/user/lookup"),
    (Operation::SiteFindUser, "post /storage/users/user/lookup"),
    (Operation::SiteSynchronizeUser, "put /storage/users/user/synchronize"),
    (Operation::SiteUpdateUser, "put /storage/users/{token}"),
    (Operation::SiteMapUser, "post /storage/users/{token}"),
    (Operation::SiteListUsers, "get /users"),
    (Operation::SiteGetUser, "get /users/{token}"),
    (Operation::SiteDeleteUser, "delete /users/{token}"),
    (Operation::SiteListIdentities, "get /identities"),
    (Operation::SiteGetIdentity, "get /identities/{token}"),
    (Operation::SiteDeleteIdentity, "delete /identities/{token}"),
    (Operation::SiteLinkIdentity, "put /identities/{token}/link"),
    (Operation::SiteSynchronizeIdentity, "put /identities/{token}/synchronize"),
    (Operation::SiteListConnections, "get /connections"),
    (Operation::SiteGet, "get /site"),
    (Operation::SiteRedeemConnection, "get /connections/{token}"),
];

/// The address that calls it when a browser comes.
const BROWSERS: &[(Operation, &str)] = &[
    (Operation::SiteRegisterBrowser, "POST root:/sso/register"),
    (Operation::SiteCheckBrowser, "GET root:/sso/check"),
];

/// The page that calls it, where no other face does.
const PAGES: &[(Operation, &str)] = &[
    (Operation::ConsoleEnter, "GET root:/admin"),
    (Operation::UserBrowse, "GET root:/admin"),
    (Operation::UserGetToManage, "GET root:/admin/user/x"),
    (Operation::UserDeleteCurrent, "POST root:/account/delete"),
    (Operation::SigningKeyGetList, "GET root:/admin/keys"),
    (Operation::KeyringGetState, "GET root:/admin/keys"),
    (Operation::ServerGetState, "GET root:/admin/health"),
    (Operation::PasswordResetSend, "POST root:/admin/user/x"),
];

/// The address of the OpenID Provider, or the page of it, that calls it.
const PROVIDER: &[(Operation, &str)] = &[
    (Operation::OpenidAuthorize, "GET root:/oauth2/authorize"),
    (Operation::OpenidConsent, "GET root:/consent"),
    (Operation::OpenidPushRequest, "POST root:/oauth2/par"),
    (Operation::OpenidBeginDevice, "POST root:/oauth2/device_authorization"),
    (Operation::OpenidAnswerDevice, "GET root:/device"),
    (Operation::OpenidToken, "POST root:/oauth2/token"),
    (Operation::OpenidGetUserInfo, "GET root:/oauth2/userinfo"),
    (Operation::OpenidIntrospect, "POST root:/oauth2/introspect"),
    (Operation::OpenidRevoke, "POST root:/oauth2/revoke"),
    (Operation::OpenidEndSession, "GET root:/oauth2/logout"),
    (Operation::OpenidRegister, "POST root:/oauth2/register"),
    (Operation::OpenidGetRegistration, "GET root:/oauth2/register/x"),
    (Operation::OpenidUpdateRegistration, "PUT root:/oauth2/register/x"),
    (Operation::OpenidDeleteRegistration, "DELETE root:/oauth2/register/x"),
];

#[test]
fn every_operation_is_offered_by_the_faces_that_the_list_names() {
    for (face, table) in [
        (Face::Command, COMMANDS),
        (Face::Python, METHODS),
        (Face::Sites, SITES),
        (Face::Browser, BROWSERS),
        (Face::Page, PAGES),
        (Face::Openid, PROVIDER),
    ] {
        let offered: HashSet<Operation> = table.iter().map(|(operation, _)| *operation).collect();
        assert_eq!(offered.len(), table.len(), "{face:?} has an operation twice");
        for operation in Operation::ALL {
            let is_listed = operation.faces().contains(&face);
            assert_eq!(offered.contains(operation), is_listed, "{face:?} {}", operation.name());
        }
    }
}

#[test]
fn every_command_is_there() {
    let folder = Folder::new();
    for (_, line) in COMMANDS {
        let done = folder.run(&format!("{line} --help"));
        assert!(done.status == 0 && done.stdout.contains(line), "{line}: {done}");
    }
}

#[test]
fn every_method_is_there() {
    let stubs =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/python/zato_sso/_core.pyi")).unwrap();
    let mut class = "";
    let mut found = BTreeSet::new();
    for line in stubs.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            class = rest.split(['(', ':']).next().unwrap_or_default();
        } else if let Some(rest) = line.strip_prefix("    def ") {
            found.insert(format!("{class}.{}", rest.split('(').next().unwrap_or_default()));
        }
    }
    for (_, method) in METHODS {
        assert!(found.contains(*method), "{method}");
    }
}

#[test]
fn every_request_of_sites_is_described_and_no_other() {
    let document = zato_sso::http::document("/p");
    let described = |method: &str, path: &str| document["paths"][format!("{path}.json")][method].is_object();
    for (_, line) in SITES {
        let (method, path) = line.split_once(' ').unwrap();
        assert!(described(method, path), "{line}");
    }
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.ends_with(".json"));
    let count: usize = paths.map(|(_, methods)| methods.as_object().unwrap().len()).sum();
    let lines: BTreeSet<&str> = SITES.iter().map(|(_, line)| *line).collect();
    assert_eq!(count, lines.len());
}

async fn every_address_for_browsers_is_served(kind: Kind) {
    let server = Server::new(kind).await;
    for (_, line) in PAGES {
        // To the sign-in page, or refused as a form of somebody else.
        let answer = server.ask(line, &[], "");
        assert!(matches!(answer.status, 303 | 403), "{line}: {answer:?}");
    }
    for (_, line) in BROWSERS {
        // Nothing was sent: the address is there, and says so in words.
        let answer = server.ask(line, &[], "");
        assert!(matches!(answer.status, 400 | 403), "{line}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{line}");
    }
}

async fn every_address_of_the_provider_is_served(kind: Kind) {
    let settings = serde_json::json!({"oidc.issuer": "https://sso.example", "oidc.registration": "open"});
    let server = Server::with(kind, settings).await;
    for (_, line) in PROVIDER {
        assert!(matches!(server.ask(line, &[], "").status, 303 | 400 | 401), "{line}");
    }
    // Without an issuer there is none.
    let server = Server::new(kind).await;
    for (_, line) in PROVIDER.iter().filter(|(_, line)| line.contains("oauth2")) {
        assert_eq!(server.ask(line, &[], "").status, 404, "{line}");
    }
}
