//! Who may do what: every endpoint, asked by everybody, about oneself and about somebody else. The cases are made from
//! the table of endpoints; what is expected follows from who may call each operation.

use serde_json::{Value, json};
use zato_sso::domain::{Face, Operation, SecType, Ust, Who};
use zato_sso::http::{Endpoint, endpoints};

use crate::linked_auth::define;
use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, ctx};

on_both_databases! {
    everybody_may_do_what_the_rules_say_and_nothing_else;
}

/// The rules in one place: one that changes by mistake is seen here.
#[test]
fn the_rules_are_these() {
    let line = |who: Who| {
        let offered =
            |operation: &&Operation| operation.faces().contains(&Face::Rest) && operation.who() == who;
        let names: Vec<&str> =
            Operation::ALL.iter().filter(offered).map(|operation| operation.name()).collect();
        format!("{who:?}: {}", names.join(", "))
    };
    // The callers that REST has.
    let all = [
        Who::Anyone,
        Who::Oneself,
        Who::OneselfOrSuperUser,
        Who::OneselfOrUserManager,
        Who::SuperUser,
        Who::UserManager,
        Who::AuditReader,
    ];
    insta::assert_snapshot!(all.map(line).join("\n"), @"
    Anyone: user.login, user.logout, user.signup, user.confirm_signup, user.confirm_email, user.resend_confirmation, session.authenticate, passkey.begin_login, passkey.finish_login, password_reset.create_token, password_reset.access_token, password_reset.change_password
    Oneself: user.get_current, user.update_current, session.renew, session.reauthenticate, totp.begin_enrolment, totp.finish_enrolment, totp.disable, passkey.begin_registration, passkey.finish_registration, passkey.begin_reauthentication, passkey.finish_reauthentication, passkey.rename
    OneselfOrSuperUser: user.get_by_id, user.update_by_id, user.get_linked_auth_list, user.attr_create, user.attr_update, user.attr_set, user.attr_delete, user.attr_get, user.attr_exists, user.attr_names, session.attr_create, session.attr_update, session.attr_set, session.attr_delete, session.attr_get, session.attr_exists, session.attr_names, session.get, session.get_list, session.end, session.end_all, recovery_code.generate, recovery_code.count, user.grant_get_list, user.grant_revoke
    OneselfOrUserManager: user.change_password, user.reset_totp_key, passkey.get_list, passkey.delete
    SuperUser: user.create, user.delete_by_id, user.search, user.create_linked_auth, user.delete_linked_auth, session.verify, group.create, group.get, group.get_list, group.update, group.delete, group.add_member, group.remove_member, group.get_members, client.create, client.get, client.get_list, client.update, client.delete, client.rotate_secret
    UserManager: user.approve, user.reject, user.lock, user.unlock
    AuditReader: audit.search
    ");
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Invented,
    LoggedOut,
    Regular,
    UserManager,
    AuditReader,
    SuperUser,
    Locked,
    Unconfirmed,
    Unapproved,
    Rejected,
    Expired,
}

const CALLERS: [Caller; 12] = [
    Caller::Anonymous,
    Caller::Invented,
    Caller::LoggedOut,
    Caller::Regular,
    Caller::UserManager,
    Caller::AuditReader,
    Caller::SuperUser,
    Caller::Locked,
    Caller::Unconfirmed,
    Caller::Unapproved,
    Caller::Rejected,
    Caller::Expired,
];

impl Caller {
    /// What a super-user changes about a user for them to become this one.
    fn change(self) -> Option<Value> {
        match self {
            Self::Locked => Some(json!({"is_locked": true})),
            Self::Unconfirmed => Some(json!({"sign_up_status": "before_confirmation"})),
            Self::Unapproved => Some(json!({"approval_status": "before_decision"})),
            Self::Rejected => Some(json!({"approval_status": "rejected"})),
            Self::Expired => Some(json!({"password_expiry": "2020-01-01T00:00:00"})),
            Self::Anonymous
            | Self::Invented
            | Self::LoggedOut
            | Self::Regular
            | Self::UserManager
            | Self::AuditReader
            | Self::SuperUser => None,
        }
    }

    /// What the caller is told whatever was asked for, if the session that acts does not do.
    fn refusal(self, operation: Operation) -> Option<&'static str> {
        match self {
            Self::Anonymous | Self::Regular | Self::UserManager | Self::AuditReader | Self::SuperUser => None,
            // Searching says no more about a session than a login does.
            Self::Invented | Self::LoggedOut if operation == Operation::UserSearch => Some("E005001"),
            Self::Invented | Self::LoggedOut => Some("E007001"),
            Self::Locked => Some("E005002"),
            Self::Unconfirmed => Some("E005003"),
            Self::Unapproved | Self::Rejected => Some("E005004"),
            Self::Expired => Some("E003004"),
        }
    }
}

/// Whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Oneself,
    AnotherUser,
    SuperUser,
}

const SUBJECTS: [Subject; 3] = [Subject::Oneself, Subject::AnotherUser, Subject::SuperUser];

struct Someone {
    username: String,
    user_id: String,
    ust: String,
    session_id: String,
}

struct Stage {
    server: Server,
    admin: Someone,
    count: usize,
    /// A group with the subject of the case in it.
    group: String,
    /// A client.
    client: String,
    /// Who is as a rejected request has left them, which changes nobody: the next case need not make them again. Callers are
    /// what they are to be by now.
    callers: [Option<Someone>; CALLERS.len()],
    /// By whether they are super-users.
    others: [Option<Someone>; 2],
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        // Sessions outlast what makes them invalid, so that each refusal is of its own kind.
        let more = json!({
            "password.inform_if_expired": true,
            "database.max_connections": 2,
            "session.end_on_lock": false,
        });
        let server = Server::with(kind, more).await;
        let admin = server.world.super_user("admin1").await;
        let ust = server.ust("admin1");
        let (username, user_id) = ("admin1".to_owned(), admin.user_id.to_string());
        let admin = Someone { username, user_id, ust, session_id: String::new() };
        Self {
            server,
            admin,
            count: 0,
            group: String::new(),
            client: String::new(),
            callers: Default::default(),
            others: [None, None],
        }
    }

    fn ask(&self, line: &str, body: &Value) -> Answer {
        self.server.ask(line, &[], &body.to_string())
    }

    fn unique(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{}", self.count)
    }

    async fn someone(&mut self, is_super_user: bool) -> Someone {
        let username = self.unique("user");
        let world = &self.server.world;
        let user =
            if is_super_user { world.super_user(&username).await } else { world.user(&username).await };
        let ust = self.server.ust(&username);
        let acting = Ust::from(ust.as_str());
        let session = world.sso.get_session(&ctx(), &acting, Some(&acting), true).await.unwrap().session;
        let (user_id, session_id) = (user.user_id.to_string(), session.session_id.to_string());
        let someone = Someone { username, user_id, ust, session_id };
        self.ask("PUT /user/attr", &json!({"ust": someone.ust, "name": "there", "value": "1"})).ok();
        let session = json!({"target_ust": someone.ust, "current_ust": someone.ust});
        self.ask("PUT /session/attr", &with(session, json!({"name": "there", "value": "1"}))).ok();
        someone
    }

    /// Makes somebody the caller that a case has.
    fn make(&mut self, who: &Someone, caller: Caller) {
        if caller == Caller::UserManager {
            self.new_group(Some(who), Some("can_manage_users"));
        }
        if caller == Caller::AuditReader {
            self.new_group(Some(who), Some("can_read_audit"));
        }
        if let Some(change) = caller.change() {
            let target = json!({"ust": self.admin.ust, "user_id": who.user_id});
            self.ask("PATCH /user", &with(target, change)).ok();
        }
        if caller == Caller::LoggedOut {
            self.ask("POST /user/logout", &json!({"ust": who.ust})).ok();
        }
    }

    /// A definition to link to somebody, or one that is linked already.
    async fn definition(&self, whom: &Someone, is_linked: bool) {
        define(&self.server.world.sso, SecType::BasicAuth, &whom.username, None).await;
        if is_linked {
            let username = format!("{}-client", whom.username);
            let link = json!({"user_id": whom.user_id, "auth_type": "basic_auth", "auth_username": username});
            self.ask("POST /user/linked", &with(link, json!({"ust": self.admin.ust}))).ok();
        }
    }

    /// The id of a new group with a member.
    fn new_group(&mut self, member: Option<&Someone>, right: Option<&str>) -> String {
        let (name, ust) = (self.unique("group"), self.server.ust("admin1"));
        let mut new = json!({"ust": ust, "name": name});
        if let Some(right) = right {
            new[right] = true.into();
        }
        let group_id = self.ask("POST /group", &new).ok()["group_id"].as_str().unwrap().to_owned();
        if let Some(member) = member {
            let member = json!({"ust": ust, "group_id": group_id, "user_id": member.user_id});
            self.ask("POST /group/member", &member).ok();
        }
        group_id
    }

    /// The id of a new client.
    fn new_client(&mut self) -> String {
        let (name, ust) = (self.unique("client"), self.server.ust("admin1"));
        let new = json!({"ust": ust, "name": name, "kind": "service"});
        self.ask("POST /client", &new).ok()["client_id"].as_str().unwrap().to_owned()
    }

    /// What a request about somebody says, but for who asks.
    fn body(&mut self, endpoint: &Endpoint, whom: &Someone, is_oneself: bool) -> Value {
        let mut body = json!({});
        for element in endpoint.elements {
            let is_new = endpoint.method == "POST";
            let value = match element.name {
                "target_ust" => Value::from(whom.ust.clone()),
                "user_id" if !is_oneself || element.is_required => Value::from(whom.user_id.clone()),
                "username" if endpoint.path == "/user/login" => Value::from(whom.username.clone()),
                "username" if element.is_required => Value::from(self.unique("new")),
                "password" | "old_password" => Value::from(PASSWORD),
                "new_password" if element.is_required => Value::from("another battery staple"),
                "first_name" if endpoint.method == "PATCH" => Value::from("Ann"),
                "totp_code" if element.is_required => Value::from("000000"),
                "response" => json!({}),
                "passkey_id" => Value::from("zpky0"),
                "session_id" => Value::from(whom.session_id.clone()),
                "name" if endpoint.path == "/group" => Value::from(self.unique("group")),
                "client_id" => Value::from(self.client.clone()),
                "kind" => Value::from("service"),
                "group_id" => Value::from(self.group.clone()),
                "name" => Value::from(if is_new { self.unique("name") } else { "there".to_owned() }),
                "value" => Value::from("2"),
                "auth_type" => Value::from("basic_auth"),
                "auth_username" => Value::from(format!("{}-client", whom.username)),
                _ => continue,
            };
            body[element.name] = value;
        }
        body
    }
}

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// The name of the element for the session that acts, where there is one.
fn acting(endpoint: &Endpoint) -> Option<&'static str> {
    let names = endpoint.elements.iter().map(|element| element.name);
    names.into_iter().find(|name| matches!(*name, "ust" | "current_ust"))
}

/// Members of a group that may manage users manage all but super-users.
fn manages(caller: Caller, subject: Subject) -> bool {
    caller == Caller::SuperUser || (caller == Caller::UserManager && subject != Subject::SuperUser)
}

/// The code that a case comes to, or none if it works.
fn expected(endpoint: &Endpoint, caller: Caller, subject: Subject) -> Option<&'static str> {
    let operations = endpoint.operations;
    let operation =
        *if subject == Subject::Oneself { operations.first() } else { operations.last() }.unwrap();
    if operation.who() == Who::Anyone {
        return None;
    }
    if let Some(code) = caller.refusal(operation) {
        return Some(code);
    }
    let is_allowed = match operation.who() {
        Who::Anyone | Who::Oneself => true,
        Who::OneselfOrSuperUser => subject == Subject::Oneself || caller == Caller::SuperUser,
        Who::OneselfOrUserManager => subject == Subject::Oneself || manages(caller, subject),
        Who::SuperUser => caller == Caller::SuperUser,
        Who::UserManager => manages(caller, subject),
        Who::AuditReader => matches!(caller, Caller::SuperUser | Caller::AuditReader),
        Who::Trusted | Who::Site | Who::System => panic!("REST has no such callers: {}", operation.name()),
    };
    match operation {
        // That there is such a session is not told.
        Operation::SessionEnd if !is_allowed => Some("E007001"),
        _ if !is_allowed => Some("E005001"),
        // Nothing has begun.
        Operation::TotpFinishEnrolment => Some("E008001"),
        // There is no such passkey, and no browser has answered.
        Operation::PasskeyRename | Operation::PasskeyDelete => Some("E008002"),
        Operation::PasskeyFinishRegistration => Some("E012001"),
        Operation::PasskeyBeginReauthentication => Some("E008001"),
        Operation::PasskeyFinishReauthentication => Some("E005001"),
        // Nothing was allowed.
        Operation::UserGrantRevoke => Some("E014001"),
        // Nobody deletes oneself.
        Operation::UserDeleteById if subject == Subject::Oneself => Some("E008001"),
        _ => None,
    }
}

async fn everybody_may_do_what_the_rules_say_and_nothing_else(kind: Kind) {
    let mut stage = Stage::new(kind).await;
    let mut wrong = Vec::new();
    for endpoint in endpoints() {
        for caller in CALLERS {
            for subject in SUBJECTS {
                if let Err(case) = check(&mut stage, &endpoint, caller, subject).await {
                    wrong.push(format!(
                        "{} {} by {caller:?} about {subject:?}: {case}",
                        endpoint.method, endpoint.path
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nobody else has become able to do what only super-users can.
    stage.ask("GET /user/search", &json!({"ust": stage.admin.ust})).ok();
}

async fn check(
    stage: &mut Stage,
    endpoint: &Endpoint,
    caller: Caller,
    subject: Subject,
) -> Result<(), String> {
    let Some(name) = acting(endpoint) else {
        // Who has no part in it cannot change what it comes to.
        return Ok(());
    };
    // Of groups and links there is one for each case.
    let has_own = endpoint.path.starts_with("/group") || endpoint.path == "/user/linked";
    let kept = if has_own { None } else { stage.callers[caller as usize].take() };
    let is_ready = kept.is_some();
    let who = match kept {
        Some(who) => who,
        None => stage.someone(caller == Caller::SuperUser).await,
    };
    let is_super_user = subject == Subject::SuperUser;
    let other = match subject {
        Subject::Oneself => None,
        _ if has_own => Some(stage.someone(is_super_user).await),
        _ => match stage.others[usize::from(is_super_user)].take() {
            Some(other) => Some(other),
            None => Some(stage.someone(is_super_user).await),
        },
    };
    let whom = other.as_ref().unwrap_or(&who);
    if endpoint.path.starts_with("/group") {
        stage.group = stage.new_group(Some(whom), None);
    }
    if endpoint.path.starts_with("/client") {
        stage.client = stage.new_client();
    }
    if endpoint.path == "/user/linked" {
        stage.definition(whom, endpoint.method == "DELETE").await;
    }
    let body = stage.body(endpoint, whom, subject == Subject::Oneself);
    if !is_ready {
        stage.make(&who, caller);
    }
    let line = format!("{} {}", endpoint.method, endpoint.path);
    let answer = match caller {
        Caller::Anonymous => stage.ask(&line, &body),
        Caller::Invented => stage.ask(&line, &with(body, json!({name: format!("{}x", who.ust)}))),
        _ => stage.ask(&line, &with(body, json!({name: who.ust}))),
    };
    if !has_own && answer.status != 200 {
        stage.callers[caller as usize] = Some(who);
        if other.is_some() {
            stage.others[usize::from(is_super_user)] = other;
        }
    }
    if caller == Caller::Anonymous {
        return if answer.status == 400 { Ok(()) } else { Err(answer.body) };
    }
    let outcome = match answer.status {
        200 => None,
        403 => Some(answer.refusal()),
        _ => return Err(format!("{} {}", answer.status, answer.body)),
    };
    let expected = expected(endpoint, caller, subject);
    if outcome.as_deref() == expected { Ok(()) } else { Err(format!("{outcome:?}, not {expected:?}")) }
}
