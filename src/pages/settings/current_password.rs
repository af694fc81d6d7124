//! The current password, which sensitive changes ask for: entered now, or a moment ago in this session.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::chat::accounts::model::{Authenticated, PasswordConfirmation, VerifiedPassword};
use crate::chat::accounts::{Accounts, ChangeError, LoginSource};
use crate::http::sessions::BrowserSession;
use crate::http::{AppState, Problem};

pub(in crate::pages) struct CurrentPassword {
    accounts: Accounts,
    visitor: LoginSource,
    session: BrowserSession,
}

impl FromRequestParts<AppState> for CurrentPassword {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Ok(visitor) = LoginSource::from_request_parts(parts, state).await;
        let session = BrowserSession::from_request_parts(parts, state).await?;
        Ok(Self { accounts: state.service(), visitor, session })
    }
}

impl CurrentPassword {
    /// Verifies the password that was entered, and remembers in the session that it was right. An empty
    /// field stands for a confirmation in this session within the last five minutes. Afterwards
    /// `me.confirmation` says whether the next form may leave the field out.
    ///
    /// Signing in is no confirmation: these forms ask for the password because another person may be at the
    /// browser by now.
    pub async fn verify(
        &self,
        me: &mut Authenticated,
        typed: &str,
    ) -> Result<VerifiedPassword, ChangeError> {
        if typed.is_empty() {
            let confirmed = self.accounts.confirmed_password(me).await?;
            if confirmed.is_none() {
                me.confirmation = None;
            }
            return confirmed.ok_or(ChangeError::NoPassword);
        }
        let verified = self.accounts.verify_password(me, typed, &self.visitor).await?;
        self.confirm(me, self.accounts.confirmation(&verified)).await?;
        Ok(verified)
    }

    /// Remembers the confirmation in the session.
    pub async fn confirm(
        &self,
        me: &mut Authenticated,
        confirmation: PasswordConfirmation,
    ) -> Result<(), ChangeError> {
        self.session.confirm(&confirmation).await?;
        me.confirmation = Some(confirmation);
        Ok(())
    }
}
