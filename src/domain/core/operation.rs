//! The one list of operations. The audit trail takes names and kinds from it, `ops` takes who may call each, and tests
//! make the role matrix and the check of every face from it.

/// What kind of event an entry is about, which decides where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    /// Something was created or changed, or a session began or ended. In the file and in the database.
    Change,
    /// Data of another user was disclosed. In the file and in the database.
    Disclosure,
    /// A session was renewed: in the file. In the database the session's own history tells.
    Activity,
    /// A session, or its owner's own data, was looked at, and nothing else: in the file, if `audit.session_checks` is
    /// on. A refusal is always kept there.
    SessionCheck,
}

/// Who may call an operation. `ops::access` enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, with or without a session.
    Anyone,
    /// Everybody with a valid session: it is about the user of that session.
    Oneself,
    /// The same; about other users it is for super-users and the process itself.
    OneselfOrSuperUser,
    /// The same, and about other users who are no super-users, members of groups that may manage users.
    OneselfOrUserManager,
    /// Super-users, and the process itself.
    SuperUser,
    /// The same, and about users who are no super-users, members of groups that may manage users.
    UserManager,
    /// Super-users, the process itself, and members of groups that may read the audit.
    AuditReader,
    /// The process itself: the command line, or a Python caller in the same process.
    Trusted,
    /// A site of the sessions API, or the process on its behalf.
    Site,
    /// Nobody: the product does it without being asked.
    System,
}

/// A way in which operations are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The REST API under `http.prefix`.
    Rest,
    /// The Python package.
    Python,
    /// The command `zato-sso`.
    Command,
    /// The sessions API, in OneAll's format.
    Sites,
    /// What browsers fetch on their way between sites.
    Browser,
    /// The pages for people. Named where no other face does the same in the same way.
    Page,
    /// The OpenID Provider: what its clients send, and the browsers of their users.
    Openid,
}

macro_rules! operations {
    ($($variant:ident: $name:literal, $kind:ident, $who:ident, [$($face:ident),*], $not_rest:literal;)+) => {
        /// An operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", $name, "`.")] $variant,)+
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the audit trail and in metrics, for instance `user.login`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its place in [`Self::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }

            /// What its audit entries are about.
            #[must_use]
            pub const fn kind(self) -> AuditKind {
                match self { $(Self::$variant => AuditKind::$kind,)+ }
            }

            /// Who may call it.
            #[must_use]
            pub const fn who(self) -> Who {
                match self { $(Self::$variant => Who::$who,)+ }
            }

            /// The faces that offer it.
            #[must_use]
            pub const fn faces(self) -> &'static [Face] {
                match self { $(Self::$variant => &[$(Face::$face),*],)+ }
            }

            /// Why the REST API does not offer it; empty where it does.
            #[must_use]
            pub const fn why_not_rest(self) -> &'static str {
                match self { $(Self::$variant => $not_rest,)+ }
            }
        }
    };
}

operations! {
    UserLogin: "user.login", Change, Anyone, [Rest, Python, Command], "";
    UserLogout: "user.logout", Change, Anyone, [Rest, Python, Command], "";
    UserGetCurrent: "user.get_current", SessionCheck, Oneself, [Rest, Python], "";
    UserGetById: "user.get_by_id", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    UserGetByUsername: "user.get_by_username", Disclosure, Trusted, [Python, Command], "for trusted callers in the same process";
    UserList: "user.list", Disclosure, Trusted, [Command], "for the command line; REST has the search";
    UserCreate: "user.create", Change, SuperUser, [Rest, Python, Command], "";
    UserCreateSuperUser: "user.create_super_user", Change, SuperUser, [Python, Command], "super-users are created from the command line and in-process only";
    UserEnsureSuperUser: "user.ensure_super_user", Change, Trusted, [Python, Command], "for programs as they start: trusted callers in the same process, and the command line";
    UserUpdateCurrent: "user.update_current", Change, Oneself, [Rest, Python], "";
    UserUpdateById: "user.update_by_id", Change, OneselfOrSuperUser, [Rest, Python, Command], "";
    UserDeleteById: "user.delete_by_id", Change, SuperUser, [Rest, Python, Command], "";
    UserDeleteCurrent: "user.delete_current", Change, Oneself, [Page], "for people, on the page of their account";
    UserDeleteByUsername: "user.delete_by_username", Change, SuperUser, [Python], "for trusted callers in the same process";
    UserApprove: "user.approve", Change, UserManager, [Rest, Python], "";
    UserReject: "user.reject", Change, UserManager, [Rest, Python], "";
    UserLock: "user.lock", Change, UserManager, [Rest, Python, Command], "";
    UserUnlock: "user.unlock", Change, UserManager, [Rest, Python, Command], "";
    UserBrowse: "user.browse", Disclosure, UserManager, [Page], "for the administration; REST has the search";
    UserGetToManage: "user.get_to_manage", Disclosure, UserManager, [Page], "for the administration; REST has GET /user";
    UserSearch: "user.search", Disclosure, SuperUser, [Rest, Python], "";
    UserSignup: "user.signup", Change, Anyone, [Rest, Python], "";
    UserConfirmSignup: "user.confirm_signup", Change, Anyone, [Rest, Python], "";
    UserConfirmEmail: "user.confirm_email", Change, Anyone, [Rest, Python], "";
    UserResendConfirmation: "user.resend_confirmation", Change, Anyone, [Rest, Python], "";
    UserChangePassword: "user.change_password", Change, OneselfOrUserManager, [Rest, Python], "";
    UserSetPassword: "user.set_password", Change, Trusted, [Python, Command], "for trusted callers in the same process";
    UserListExpiringPasswords: "user.list_expiring_passwords", Disclosure, Trusted, [Command], "for the command line";
    UserResetTotpKey: "user.reset_totp_key", Change, OneselfOrUserManager, [Rest, Python, Command], "";
    UserImport: "user.import", Change, Trusted, [Python, Command], "for the command line and trusted callers in the same process";
    UserMigrateUsernames: "user.migrate_usernames", Change, Trusted, [Command], "for the command line";
    UserExport: "user.export", Disclosure, Trusted, [Command], "for the command line";
    UserCreateLinkedAuth: "user.create_linked_auth", Change, SuperUser, [Rest, Python], "";
    UserGetLinkedAuthList: "user.get_linked_auth_list", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    UserDeleteLinkedAuth: "user.delete_linked_auth", Change, SuperUser, [Rest, Python], "";
    UserGetByLinkedAuth: "user.get_by_linked_auth", Disclosure, OneselfOrSuperUser, [Python], "the documented REST API has no such call";
    UserAttrCreate: "user.attr_create", Change, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrUpdate: "user.attr_update", Change, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrSet: "user.attr_set", Change, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrSetExpiry: "user.attr_set_expiry", Change, OneselfOrSuperUser, [Python], "PATCH /user/attr sets it together with the value";
    UserAttrDelete: "user.attr_delete", Change, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrGet: "user.attr_get", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrGetAll: "user.attr_get_all", Disclosure, OneselfOrSuperUser, [Python], "GET /user/attr gets those that GET /user/attr/names lists";
    UserAttrExists: "user.attr_exists", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    UserAttrNames: "user.attr_names", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrCreate: "session.attr_create", Change, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrUpdate: "session.attr_update", Change, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrSet: "session.attr_set", Change, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrSetExpiry: "session.attr_set_expiry", Change, OneselfOrSuperUser, [Python], "PATCH /session/attr sets it together with the value";
    SessionAttrDelete: "session.attr_delete", Change, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrGet: "session.attr_get", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrGetAll: "session.attr_get_all", Disclosure, OneselfOrSuperUser, [Python], "GET /session/attr gets those that GET /session/attr/names lists";
    SessionAttrExists: "session.attr_exists", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    SessionAttrNames: "session.attr_names", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    SessionVerify: "session.verify", SessionCheck, SuperUser, [Rest, Python], "";
    SessionRenew: "session.renew", Activity, Oneself, [Rest, Python], "";
    SessionReauthenticate: "session.reauthenticate", Change, Oneself, [Rest, Python], "";
    SessionGet: "session.get", SessionCheck, OneselfOrSuperUser, [Rest, Python], "";
    SessionGetList: "session.get_list", SessionCheck, OneselfOrSuperUser, [Rest, Python], "";
    SessionGetCurrent: "session.get_current", SessionCheck, Oneself, [Python], "for callers in the same process; GET /user/session tells the same";
    SessionRequireSuperUser: "session.require_super_user", SessionCheck, SuperUser, [Python], "for callers in the same process";
    ConsoleEnter: "console.enter", SessionCheck, Oneself, [Page], "the administration is made of pages";
    SessionListOfUser: "session.list_of_user", Disclosure, SuperUser, [Command], "for the command line; REST has GET /user/session/list";
    SessionEnd: "session.end", Change, OneselfOrSuperUser, [Rest, Python, Command], "";
    SessionEndAll: "session.end_all", Change, OneselfOrSuperUser, [Rest, Python, Command], "";
    SessionAuthenticate: "session.authenticate", Change, Anyone, [Rest], "";
    SessionOnExternalAuthSucceeded: "session.on_external_auth_succeeded", Change, Trusted, [Python], "for trusted callers in the same process";
    SessionGetByExtId: "session.get_by_ext_id", Disclosure, Trusted, [Python], "for trusted callers in the same process";
    TotpValidateCode: "totp.validate_code", Change, Anyone, [Python], "for callers in the same process; POST /user/login takes a code";
    TotpProvisioningUri: "totp.provisioning_uri", Disclosure, Oneself, [Python], "for callers in the same process, which show it to the user";
    TotpBeginEnrolment: "totp.begin_enrolment", Change, Oneself, [Rest, Python], "";
    TotpFinishEnrolment: "totp.finish_enrolment", Change, Oneself, [Rest, Python], "";
    TotpDisable: "totp.disable", Change, Oneself, [Rest, Python], "";
    RecoveryCodeGenerate: "recovery_code.generate", Change, OneselfOrSuperUser, [Rest, Python, Command], "";
    RecoveryCodeCount: "recovery_code.count", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    PasskeyBeginRegistration: "passkey.begin_registration", Change, Oneself, [Rest, Python], "";
    PasskeyFinishRegistration: "passkey.finish_registration", Change, Oneself, [Rest, Python], "";
    PasskeyBeginLogin: "passkey.begin_login", Activity, Anyone, [Rest, Python], "";
    PasskeyFinishLogin: "passkey.finish_login", Change, Anyone, [Rest, Python], "";
    PasskeyBeginReauthentication: "passkey.begin_reauthentication", Activity, Oneself, [Rest, Python], "";
    PasskeyFinishReauthentication: "passkey.finish_reauthentication", Change, Oneself, [Rest, Python], "";
    PasskeyGetList: "passkey.get_list", Disclosure, OneselfOrUserManager, [Rest, Python, Command], "";
    PasskeyRename: "passkey.rename", Change, Oneself, [Rest, Python], "";
    PasskeyDelete: "passkey.delete", Change, OneselfOrUserManager, [Rest, Python, Command], "";
    GroupCreate: "group.create", Change, SuperUser, [Rest, Python, Command], "";
    GroupGet: "group.get", Disclosure, SuperUser, [Rest, Python, Command], "";
    GroupGetList: "group.get_list", Disclosure, SuperUser, [Rest, Python, Command], "";
    GroupUpdate: "group.update", Change, SuperUser, [Rest, Python], "";
    GroupDelete: "group.delete", Change, SuperUser, [Rest, Python, Command], "";
    GroupAddMember: "group.add_member", Change, SuperUser, [Rest, Python, Command], "";
    GroupRemoveMember: "group.remove_member", Change, SuperUser, [Rest, Python, Command], "";
    GroupGetMembers: "group.get_members", Disclosure, SuperUser, [Rest, Python], "";
    AuditSearch: "audit.search", Disclosure, AuditReader, [Rest, Python, Command], "";
    AuditExport: "audit.export", Disclosure, Trusted, [Command], "for the command line; REST has GET /audit";
    ClientCreate: "client.create", Change, SuperUser, [Rest, Python, Command], "";
    ClientGet: "client.get", Disclosure, SuperUser, [Rest, Python, Command], "";
    ClientGetList: "client.get_list", Disclosure, SuperUser, [Rest, Python, Command], "";
    ClientUpdate: "client.update", Change, SuperUser, [Rest, Python, Command], "";
    ClientDelete: "client.delete", Change, SuperUser, [Rest, Python, Command], "";
    ClientRotateSecret: "client.rotate_secret", Change, SuperUser, [Rest, Python, Command], "";
    SigningKeyRotate: "signing_key.rotate", Change, Trusted, [Command], "for the command line, and the product does it by itself";
    SigningKeyGetList: "signing_key.get_list", Disclosure, SuperUser, [Page], "for the administration; /oauth2/jwks.json publishes the keys";
    KeyringGetState: "keyring.get_state", Disclosure, SuperUser, [Page], "for the administration";
    ServerGetState: "server.get_state", Disclosure, SuperUser, [Page], "for the administration; programs have /health/ready and /metrics";
    TokenVerify: "token.verify", SessionCheck, Anyone, [Python], "for services in the same process; others verify by the published keys";
    TokenGetUser: "token.get_user", SessionCheck, Anyone, [Python], "for services in the same process; others ask /oauth2/userinfo";
    PasswordResetCreateToken: "password_reset.create_token", Change, Anyone, [Rest, Python], "";
    PasswordResetSend: "password_reset.send", Change, UserManager, [Page], "for the administration; POST /user/password/reset/token asks for the same";
    PasswordResetAccessToken: "password_reset.access_token", Change, Anyone, [Rest, Python], "";
    PasswordResetChangePassword: "password_reset.change_password", Change, Anyone, [Rest, Python], "";
    SecDefCreate: "sec_def.create", Change, Trusted, [Command], "for the command line";
    SecDefList: "sec_def.list", Disclosure, SuperUser, [Command], "for the command line, and super-users in the administration";
    SecDefGet: "sec_def.get", Disclosure, Trusted, [Command], "for the command line";
    SecDefDelete: "sec_def.delete", Change, Trusted, [Command], "for the command line";
    IdentityGet: "identity.get", Disclosure, Trusted, [Python], "for trusted callers in the same process; sites have GET /identities";
    IdentityList: "identity.list", Disclosure, Trusted, [Python], "for trusted callers in the same process";
    SiteCreate: "site.create", Change, Trusted, [Python, Command], "for trusted callers: the command line, and in the same process";
    SiteList: "site.list", Disclosure, SuperUser, [Python, Command], "for trusted callers, and super-users in the administration";
    SiteUpdate: "site.update", Change, Trusted, [Python, Command], "for trusted callers";
    SiteDelete: "site.delete", Change, Trusted, [Python, Command], "for trusted callers";
    SiteActAs: "site.act_as", SessionCheck, Trusted, [Python, Command], "for trusted callers in the same process";
    SiteAuthenticate: "site.authenticate", SessionCheck, Anyone, [Sites], "every request of the sessions API does it";
    SiteStartSession: "site.start_session", Change, Site, [Python, Sites], "PUT /sso/sessions/identities of the sessions API";
    SiteListSessions: "site.list_sessions", SessionCheck, Site, [Python, Sites], "GET /sso/sessions of the sessions API";
    SiteGetSession: "site.get_session", SessionCheck, Site, [Python, Sites], "GET /sso/sessions of the sessions API";
    SiteGetSessionOfIdentity: "site.get_session_of_identity", SessionCheck, Site, [Python, Sites], "GET /sso/sessions/identities of the sessions API";
    SiteEndSession: "site.end_session", Change, Site, [Python, Sites], "DELETE /sso/sessions of the sessions API";
    SiteEndSessionOfIdentity: "site.end_session_of_identity", Change, Site, [Python, Sites], "DELETE /sso/sessions/identities of the sessions API";
    SiteCreateUser: "site.create_user", Change, Site, [Sites], "POST /storage/users of the sessions API";
    SiteLookUpUser: "site.look_up_user", Change, Site, [Sites], "POST /storage/users/user/lookup of the sessions API";
    SiteFindUser: "site.find_user", Disclosure, Site, [Sites], "POST /storage/users/user/lookup of the sessions API";
    SiteMapUser: "site.map_user", Change, Site, [Sites], "POST /storage/users of the sessions API";
    SiteSynchronizeUser: "site.synchronize_user", Change, Site, [Sites], "PUT /storage/users/user/synchronize of the sessions API";
    SiteDeleteUser: "site.delete_user", Change, Site, [Sites], "DELETE /users of the sessions API";
    SiteGetUser: "site.get_user", Disclosure, Site, [Sites], "GET /users of the sessions API";
    SiteListUsers: "site.list_users", Disclosure, Site, [Sites], "GET /users of the sessions API";
    SiteGetIdentity: "site.get_identity", Disclosure, Site, [Sites], "GET /identities of the sessions API";
    SiteListIdentities: "site.list_identities", Disclosure, Site, [Sites], "GET /identities of the sessions API";
    SiteDeleteIdentity: "site.delete_identity", Change, Site, [Sites], "DELETE /identities of the sessions API";
    SiteLinkIdentity: "site.link_identity", Change, Site, [Sites], "PUT /identities of the sessions API";
    SiteSynchronizeIdentity: "site.synchronize_identity", Change, Site, [Sites], "PUT /identities of the sessions API";
    SiteUpdateUser: "site.update_user", Change, Site, [Sites], "PUT /storage/users of the sessions API";
    SiteGet: "site.get", SessionCheck, Site, [Sites], "GET /site of the sessions API";
    SiteListConnections: "site.list_connections", SessionCheck, Site, [Sites], "GET /connections of the sessions API";
    SiteRedeemConnection: "site.redeem_connection", Change, Site, [Sites], "GET /connections of the sessions API";
    SiteRegisterBrowser: "site.register_browser", Change, Anyone, [Browser], "POST /sso/register of the browser half";
    SiteCheckBrowser: "site.check_browser", SessionCheck, Anyone, [Browser], "GET /sso/check of the browser half";
    UserGrantGetList: "user.grant_get_list", Disclosure, OneselfOrSuperUser, [Rest, Python], "";
    UserGrantRevoke: "user.grant_revoke", Change, OneselfOrSuperUser, [Rest, Python], "";
    OpenidAuthorize: "openid.authorize", Change, Anyone, [Openid], "/oauth2/authorize of the OpenID Provider";
    OpenidConsent: "openid.consent", Change, Oneself, [Openid], "a page of the OpenID Provider";
    OpenidPushRequest: "openid.push_request", Change, Anyone, [Openid], "/oauth2/par of the OpenID Provider";
    OpenidBeginDevice: "openid.begin_device", Change, Anyone, [Openid], "/oauth2/device_authorization of the OpenID Provider";
    OpenidAnswerDevice: "openid.answer_device", Change, Oneself, [Openid], "a page of the OpenID Provider";
    OpenidToken: "openid.token", Change, Anyone, [Openid], "/oauth2/token of the OpenID Provider";
    OpenidGetUserInfo: "openid.get_user_info", SessionCheck, Anyone, [Openid], "/oauth2/userinfo of the OpenID Provider";
    OpenidIntrospect: "openid.introspect", SessionCheck, Anyone, [Openid], "/oauth2/introspect of the OpenID Provider";
    OpenidRevoke: "openid.revoke", Change, Anyone, [Openid], "/oauth2/revoke of the OpenID Provider";
    OpenidEndSession: "openid.end_session", Change, Anyone, [Openid], "/oauth2/logout of the OpenID Provider";
    OpenidRegister: "openid.register", Change, Anyone, [Openid], "/oauth2/register of the OpenID Provider";
    OpenidGetRegistration: "openid.get_registration", SessionCheck, Anyone, [Openid], "/oauth2/register of the OpenID Provider";
    OpenidUpdateRegistration: "openid.update_registration", Change, Anyone, [Openid], "/oauth2/register of the OpenID Provider";
    OpenidDeleteRegistration: "openid.delete_registration", Change, Anyone, [Openid], "/oauth2/register of the OpenID Provider";
    OpenidNotifyLogout: "openid.notify_logout", Activity, System, [], "the product does it by itself";
    EmailSend: "email.send", Activity, System, [], "the product does it by itself";
    MaintenanceCleanUp: "maintenance.clean_up", Change, System, [Command], "for the command line, and the product does it by itself";
    MaintenanceTellOfExpiringPasswords: "maintenance.tell_of_expiring_passwords", Disclosure, System, [], "the product does it by itself";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: HashSet<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
    }

    #[test]
    fn each_has_the_place_that_it_says() {
        assert!(Operation::ALL.iter().enumerate().all(|(place, operation)| operation.index() == place));
    }

    #[test]
    fn what_rest_does_not_offer_has_a_reason_and_nothing_else_has() {
        for operation in Operation::ALL {
            let is_offered = operation.faces().contains(&Face::Rest);
            assert_eq!(is_offered, operation.why_not_rest().is_empty(), "{}", operation.name());
        }
    }

    #[test]
    fn nobody_offers_what_the_product_does_by_itself_but_the_command() {
        for operation in Operation::ALL.iter().filter(|operation| operation.who() == Who::System) {
            assert!(operation.faces().iter().all(|face| *face == Face::Command), "{}", operation.name());
        }
    }
}
