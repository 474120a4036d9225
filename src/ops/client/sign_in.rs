//! What a sign-in at a client leaves: the consent that it stands on, and the row that its tokens come of.

use uuid::Uuid;

use crate::domain::{
    AuthType, Client, Code, Grant, OAuthError, Result, Timestamp, UserId, random_uuid, time_ordered_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Caller;
use crate::ops::call::Call;
use crate::ops::client::scope::{has_all, merged};
use crate::store;
use crate::store::Tx;
use crate::store::client::authorization::NewAuthorization;

/// A sign-in that is about to be written.
pub(in crate::ops) struct SignIn<'a> {
    pub client: &'a Client,
    pub caller: &'a Caller,
    /// How the user has proved who they are.
    pub methods: &'a str,
    pub scopes: &'a [String],
    pub audiences: &'a [String],
    /// The parameter `claims`.
    pub claims: Option<&'a str>,
    /// Of the key that tokens are bound to.
    pub thumbprint: Option<&'a str>,
    /// Where the browser is sent back to.
    pub redirect_uri: Option<&'a str>,
    /// When it ends if no tokens come of it.
    pub expiration_time: Timestamp,
}

/// That the session of a call is a person's: a definition or a site allows no client anything, and gets no tokens that outlive it.
///
/// # Errors
/// E005001 for another one's.
pub(in crate::ops) fn check_person(call: &Call<'_>) -> Result<()> {
    if call.caller()?.session().auth_type == AuthType::Default {
        Ok(())
    } else {
        Err(Code::AuthNotAllowed.into())
    }
}

impl Sso {
    /// How the user of a session has proved who they are.
    pub(in crate::ops) async fn methods_of(&self, caller: &Caller) -> Result<String> {
        let mut conn = self.db().read().await?;
        let methods = store::session::proof::methods(&mut conn, caller.session().session_id).await?;
        Ok(methods.unwrap_or_else(|| "pwd".to_owned()))
    }

    /// Whether a user has allowed a client all of this before.
    pub(in crate::ops) async fn has_allowed(
        &self,
        client: &Client,
        user_id: &UserId,
        scopes: &[String],
    ) -> Result<bool> {
        let mut conn = self.db().read().await?;
        let client_id = client.client_id.as_str();
        let allowed = store::client::grant::of_user_and_client(&mut conn, user_id, client_id).await?;
        Ok(allowed.is_some_and(|allowed| has_all(&allowed.scopes, scopes)))
    }

    /// Notes that a user allows a client these scopes, beside those that were allowed before.
    pub(in crate::ops) async fn allow_scopes(
        &self,
        tx: &mut Tx,
        client: &Client,
        user_id: &UserId,
        scopes: &[String],
    ) -> Result<()> {
        let client_id = client.client_id.as_str();
        let allowed = store::client::grant::of_user_and_client(tx, user_id, client_id).await?;
        if allowed.as_ref().is_some_and(|allowed| has_all(&allowed.scopes, scopes)) {
            return Ok(());
        }
        let merged = merged(allowed.map(|allowed| allowed.scopes).as_deref(), scopes);
        let new_id = random_uuid(self.random())?;
        store::client::grant::allow(tx, new_id, user_id, client_id, &merged, self.now()).await.map(drop)
    }

    /// Writes a sign-in that its user has consented to; its id.
    ///
    /// # Errors
    /// `access_denied` if the consent was withdrawn meanwhile, `login_required` if the session has ended.
    pub(in crate::ops) async fn insert_sign_in(&self, tx: &mut Tx, sign_in: &SignIn<'_>) -> Result<Uuid> {
        let (client, session) = (sign_in.client, sign_in.caller.session());
        let (user_id, client_id) = (sign_in.caller.user_id(), client.client_id.as_str());
        let now = self.now();
        let allowed = store::client::grant::of_user_and_client(tx, user_id, client_id).await?;
        let allowed = allowed.filter(|allowed| has_all(&allowed.scopes, sign_in.scopes));
        let Some(allowed) = allowed else {
            return Err(OAuthError::AccessDenied.because("the user has withdrawn the consent"));
        };
        let is_offline = sign_in.scopes.iter().any(|scope| scope == "offline_access")
            && client.may_use(Grant::RefreshToken);
        let authorization_id = time_ordered_uuid(now, self.random())?;
        let new = NewAuthorization {
            authorization_id,
            grant_id: allowed.grant_id,
            client_id,
            user_id,
            session_id: (!is_offline).then_some(session.session_id),
            sid: session.session_id,
            scopes: &sign_in.scopes.join(" "),
            claims: sign_in.claims,
            audiences: &sign_in.audiences.join("\n"),
            auth_time: session.auth_time,
            auth_methods: sign_in.methods,
            thumbprint: sign_in.thumbprint,
            redirect_uri: sign_in.redirect_uri,
            creation_time: now,
            expiration_time: sign_in.expiration_time,
        };
        let has_session = store::client::authorization::hold_session(tx, session.session_id).await?;
        if !has_session || !store::client::authorization::insert(tx, &new).await? {
            return Err(OAuthError::LoginRequired.because("the session of the user has just ended"));
        }
        if client.backchannel_logout_uri.is_some() {
            store::client::notice::insert(tx, session.session_id, client_id, user_id, now).await?;
        }
        Ok(authorization_id)
    }
}
