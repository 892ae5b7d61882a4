//! Who is calling: short-lived tokens that auth signs and every service verifies.
//!
//! A token is a JWT (RFC 7519) in compact form (RFC 7515), signed with Ed25519 (RFC 8037), good for
//! sixty seconds, carried in the header [`TOKEN_HEADER`]. It never leaves the house. There is one
//! algorithm and one header, so nothing of a token is believed before its signature is checked.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use utoipa::ToSchema;

use crate::{Service, codes};

/// The header between services that says who is calling.
pub const TOKEN_HEADER: &str = "x-techcommerce-token";

/// How long a token is good for.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

const ISSUER: &str = "techcommerce-auth";

/// `{"alg":"EdDSA","typ":"JWT"}` in base64url: the only header that is written and taken.
const HEADER: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9";

/// What an account or an API key may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Staff,
    /// Runs the shop and decides who else may.
    Admin,
}

impl Role {
    /// The name as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Customer, Self::Staff, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("`{text}` is no role; there are customer, staff and admin"))
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// A person who is signed in.
    Account {
        /// The account.
        id: Uuid,
        /// What it may do.
        role: Role,
        /// The session, as `GET /api/auth/sessions` lists it.
        session: Uuid,
    },
    /// A program with an API key.
    ApiKey {
        /// The key.
        id: Uuid,
        /// What it may do.
        role: Role,
    },
    /// Another service of ours.
    Service {
        /// Which one.
        name: Service,
    },
}

impl Principal {
    /// The role of a person or a program; services have none.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Account { role, .. } | Self::ApiKey { role, .. } => Some(*role),
            Self::Service { .. } => None,
        }
    }

    /// Whether it may do what staff may.
    pub fn is_staff(&self) -> bool {
        self.role() >= Some(Role::Staff)
    }

    /// The account, if it is a person.
    pub fn account(&self) -> Option<Uuid> {
        match self {
            Self::Account { id, .. } => Some(*id),
            Self::ApiKey { .. } | Self::Service { .. } => None,
        }
    }

    /// Names it in audit trails, movements and logs, as `account:0193…`.
    pub fn actor(&self) -> String {
        match self {
            Self::Account { id, .. } => format!("account:{id}"),
            Self::ApiKey { id, .. } => format!("api-key:{id}"),
            Self::Service { name } => format!("service:{name}"),
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed: always auth.
    pub iss: String,
    /// Good until, in seconds since 1970.
    pub exp: i64,
    /// Who is calling.
    pub principal: Principal,
    /// The address that the outermost request came from, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
}

/// Signs tokens. Only auth has one, and in one process the composition that auth is part of.
#[derive(Clone)]
pub struct TokenSigner {
    key: Arc<SigningKey>,
    env: Env,
}

impl TokenSigner {
    /// A signer from the 32 bytes of an Ed25519 private key.
    pub fn from_seed(seed: &[u8; 32], env: Env) -> Self {
        Self {
            key: Arc::new(SigningKey::from_bytes(seed)),
            env,
        }
    }

    /// The public key: 32 bytes.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Verifies what this signs.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier {
            key: self.key.verifying_key(),
            env: self.env.clone(),
        }
    }

    /// A token for `principal` that is good for [`TOKEN_LIFETIME`], and until when it is.
    pub fn sign(
        &self,
        principal: Principal,
        client_address: Option<IpAddr>,
    ) -> Result<(String, Timestamp), Error> {
        let expires = self.env.now() + TOKEN_LIFETIME;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            exp: expires.as_seconds(),
            principal,
            client_address,
        };
        let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(token.as_bytes()).to_bytes();
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok((token, expires))
    }
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSigner").finish_non_exhaustive()
    }
}

/// Verifies tokens.
#[derive(Clone)]
pub struct TokenVerifier {
    key: VerifyingKey,
    env: Env,
}

impl TokenVerifier {
    /// A verifier from the 32 bytes of an Ed25519 public key.
    pub fn new(public_key: &[u8; 32], env: Env) -> Result<Self, Error> {
        let key = VerifyingKey::from_bytes(public_key).map_err(Error::internal)?;
        Ok(Self { key, env })
    }

    /// What the token says, if auth signed it and it is still good.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        let claims = self.signed_claims(token).ok_or_else(refused)?;
        let claims: Claims =
            serde_json::from_slice(&claims).map_err(|error| refused().caused_by(error))?;
        if claims.iss != ISSUER || claims.exp <= self.env.now().as_seconds() {
            return Err(refused());
        }
        Ok(claims)
    }

    /// The bytes between the dots, if the signature over them is right.
    fn signed_claims(&self, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = Signature::from_slice(&signature).ok()?;
        self.key.verify_strict(signed.as_bytes(), &signature).ok()?;
        URL_SAFE_NO_PAD.decode(claims).ok()
    }
}

fn refused() -> Error {
    Error::unauthenticated(
        codes::UNAUTHENTICATED,
        "The token between services is not valid or too old.",
    )
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier").finish_non_exhaustive()
    }
}

/// The token that a service shows to the others, renewed before it runs out.
#[derive(Debug, Clone)]
pub struct ServiceTokens {
    signer: TokenSigner,
    service: Service,
    current: Arc<Mutex<Option<(String, Timestamp)>>>,
}

impl ServiceTokens {
    /// Tokens for `service`, signed in this process.
    pub fn local(signer: TokenSigner, service: Service) -> Self {
        Self {
            signer,
            service,
            current: Arc::default(),
        }
    }

    /// A token that is good for at least half its life.
    pub fn token(&self) -> Result<String, Error> {
        let now = self.signer.env.now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, expires)) = current.as_ref()
            && *expires > now + TOKEN_LIFETIME / 2
            && *expires <= now + TOKEN_LIFETIME
        {
            return Ok(token.clone());
        }
        let principal = Principal::Service { name: self.service };
        let (token, expires) = self.signer.sign(principal, None)?;
        *current = Some((token.clone(), expires));
        Ok(token)
    }

    /// A token that also says where the outermost request came from.
    pub fn token_for(&self, client_address: IpAddr) -> Result<String, Error> {
        let principal = Principal::Service { name: self.service };
        Ok(self.signer.sign(principal, Some(client_address))?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> (TokenSigner, techcommerce_kernel::ManualClock) {
        let (env, clock) = Env::manual(1);
        (TokenSigner::from_seed(&[7; 32], env), clock)
    }

    #[test]
    fn a_token_is_good_for_a_minute() {
        let (signer, clock) = signer();
        let principal = Principal::Service {
            name: Service::Worker,
        };
        let (token, _) = signer.sign(principal.clone(), None).unwrap();
        assert_eq!(
            signer.verifier().verify(&token).unwrap().principal,
            principal
        );
        clock.advance(Duration::from_secs(61));
        assert!(signer.verifier().verify(&token).is_err());
    }

    #[test]
    fn another_key_signs_nothing() {
        let (signer, _clock) = signer();
        let (env, _) = Env::manual(1);
        let other = TokenSigner::from_seed(&[8; 32], env);
        let (token, _) = other
            .sign(Principal::Service { name: Service::Api }, None)
            .unwrap();
        assert!(signer.verifier().verify(&token).is_err());
        assert!(signer.verifier().verify("nonsense").is_err());
    }

    #[test]
    fn service_tokens_are_renewed() {
        let (signer, clock) = signer();
        let tokens = ServiceTokens::local(signer.clone(), Service::OrderApi);
        let first = tokens.token().unwrap();
        assert_eq!(first, tokens.token().unwrap());
        clock.advance(Duration::from_secs(40));
        let second = tokens.token().unwrap();
        assert_ne!(first, second);
        assert!(signer.verifier().verify(&second).is_ok());
    }

    #[test]
    fn roles_are_ordered() {
        assert!(Role::Admin > Role::Staff && Role::Staff > Role::Customer);
        let service = Principal::Service { name: Service::Api };
        assert!(!service.is_staff());
    }
}
