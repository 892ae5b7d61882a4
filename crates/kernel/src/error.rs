//! One error type for the whole shop.
//!
//! An [`Error`] says what went wrong in terms of the trade: its [`Kind`] (which the edge maps to
//! a status in one place), a stable `code` that programs may match on, a message for the person
//! who made the request, and, apart from it, a cause that only the log sees.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// What sort of failure it is. The HTTP status of each is given in `techcommerce-http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or a value in it is out of bounds.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong.
    Unauthenticated,
    /// Somebody is signed in but may not do this.
    Forbidden,
    /// There is no such thing, or the caller may not know that there is.
    NotFound,
    /// The request is fine, but the state of things does not allow it.
    Conflict,
    /// The request contradicts an earlier one (a reused idempotency key).
    Unprocessable,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is of a media type that is not understood here.
    UnsupportedMedia,
    /// The address exists, but not with this method.
    MethodNotAllowed,
    /// Too many requests; try again later.
    TooMany,
    /// Something that is needed is away or overloaded; try again later.
    Unavailable,
    /// Our fault.
    Internal,
}

/// What is wrong with one place of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where, as `lines[0].quantity`.
    pub path: String,
    /// What, and how to mend it.
    pub message: String,
}

struct Inner {
    kind: Kind,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    detail: Option<serde_json::Value>,
    retry_after: Option<Duration>,
    transient: bool,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// A failure with a stable code, a message for the user and a cause for the log.
pub struct Error(Box<Inner>);

impl Error {
    /// An error of `kind` with a stable `code` and a message for the user.
    pub fn new(
        kind: Kind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            code: code.into(),
            message: message.into(),
            fields: Vec::new(),
            detail: None,
            retry_after: None,
            transient: false,
            cause: None,
        }))
    }

    /// The input is wrong. Add places with [`Error::field`].
    pub fn invalid(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// One place of the input is wrong: code `invalid_input`.
    pub fn invalid_field(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid("invalid_input", "The request has errors; see `errors`.").field(path, message)
    }

    /// The credentials are missing or wrong.
    pub fn unauthenticated(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Unauthenticated, code, message)
    }

    /// The caller may not do this.
    pub fn forbidden(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }

    /// There is no such thing.
    pub fn not_found(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    /// The state of things does not allow it.
    pub fn conflict(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// The request contradicts an earlier one.
    pub fn unprocessable(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Unprocessable, code, message)
    }

    /// Too many requests; `retry_after` says when it is worth trying again.
    pub fn too_many(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new(Kind::TooMany, "too_many_requests", message).retry_after(retry_after)
    }

    /// The code of [`Error::busy`].
    pub const BUSY: &str = "busy";

    /// What is needed is there, but others use all of it for the moment.
    pub fn busy(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::unavailable(message);
        error.0.code = Cow::Borrowed(Self::BUSY);
        error
    }

    /// Something needed is away or overloaded; it is worth trying again.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(Kind::Unavailable, "unavailable", message)
            .retry_after(Duration::from_secs(1));
        error.0.transient = true;
        error
    }

    /// Our fault. `for_log` is what the log gets; the user is told nothing of it.
    pub fn internal(for_log: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(
            Kind::Internal,
            "internal",
            "Something went wrong on our side. Nothing of your request was lost silently; please try again.",
        )
        .caused_by(for_log)
    }

    /// Adds a place of the input and what is wrong with it.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.0.fields.push(FieldError {
            path: path.into(),
            message: message.into(),
        });
        self
    }

    /// Adds many places at once.
    #[must_use]
    pub fn with_fields(mut self, fields: impl IntoIterator<Item = FieldError>) -> Self {
        self.0.fields.extend(fields);
        self
    }

    /// Adds members to the problem document: an object, as `{"lines": […]}`.
    #[must_use]
    pub fn with_detail(mut self, detail: serde_json::Value) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Says when it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Marks that the same request may succeed when it is run again at once.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The stable code that programs match on.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The message for the user.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The places of the input that are wrong.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Further members of the problem document.
    pub fn detail(&self) -> Option<&serde_json::Value> {
        self.0.detail.as_ref()
    }

    /// When it is worth trying again, if that is known.
    pub fn retry_after_hint(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same work may succeed when it is run again.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// `Ok(())` if `fields` is empty, else an `invalid_input` error that names them all.
    pub fn check(fields: Vec<FieldError>) -> Result<(), Self> {
        if fields.is_empty() {
            return Ok(());
        }
        Err(
            Self::invalid("invalid_input", "The request has errors; see `errors`.")
                .with_fields(fields),
        )
    }
}

/// For the log: the code, the message, the places and the whole chain of causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}): {}", self.0.code, self.0.kind, self.0.message)?;
        for field in &self.0.fields {
            write!(f, "; {}: {}", field.path, field.message)?;
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "; caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// For people: the message alone.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .cause
            .as_deref()
            .map(|cause| cause as &(dyn StdError + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_sees_the_message_and_the_log_the_cause() {
        let error = Error::internal("password=hunter2 refused");
        assert!(!error.to_string().contains("hunter2"));
        assert!(format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn no_field_errors_is_fine() {
        assert!(Error::check(Vec::new()).is_ok());
        let error = Error::check(vec![FieldError {
            path: "email".into(),
            message: "is empty".into(),
        }]);
        assert_eq!(
            error.map_err(|e| e.fields().len()),
            Err(1),
            "one place is named"
        );
    }
}
