//! A token for a program: `GRANT=client_credentials SCOPE=api service-client`. The provider and the client come from
//! `OIDC_GATE_*`; `THEN` is what to do with the token: `introspect`, `revoke` or `show`.
use oidc_gate_tower::core::{
    backchannel::{
        AskError, DeviceAuthorizationRequest, IntrospectionRequest, PushedRequest, RequestError,
        RevocationRequest,
    },
    secret::RefreshToken,
    token::{Exchanged, TokenKind, TokenRequest, TokenResponse, TypedToken},
};
use oidc_gate_tower::{TokenClient, TokenClientBuilder};
use std::{error::Error, process::ExitCode};

type Var<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is asked for with what the environment names.
fn request(grant: &str, var: Var<'_>) -> Result<TokenRequest, Box<dyn Error>> {
    let needed = |name: &str| var(name).ok_or_else(|| format!("{name} is missing"));
    let request = match grant {
        "client_credentials" => TokenRequest::client_credentials(),
        "refresh_token" => {
            TokenRequest::refresh_token(&RefreshToken::new(needed("REFRESH_TOKEN")?))
        }
        "jwt_bearer" => TokenRequest::jwt_bearer(&needed("ASSERTION")?),
        "token_exchange" => {
            let subject = TypedToken::new(TokenKind::AccessToken, needed("SUBJECT_TOKEN")?);
            let exchanged = Exchanged::subject(subject);
            TokenRequest::token_exchange(match var("AUDIENCE") {
                Some(name) => exchanged.audience(name),
                None => exchanged,
            })
        }
        extension => TokenRequest::extension(extension)?,
    };
    Ok(extent(request, var)?)
}

fn extent(request: TokenRequest, var: Var<'_>) -> Result<TokenRequest, RequestError> {
    let request = match var("SCOPE") {
        Some(scope) => request.scope(&scope)?,
        None => request,
    };
    match var("RESOURCE") {
        Some(uri) => request.resource(&uri),
        None => Ok(request),
    }
}

/// Shows the user a code, and waits until it has been entered somewhere else.
async fn device(client: &TokenClient, var: Var<'_>) -> Result<TokenResponse, Box<dyn Error>> {
    let mut request = DeviceAuthorizationRequest::new();
    if let Some(scope) = var("SCOPE") {
        request = request.scope(&scope)?;
    }
    let device = client.ask(request).await?;
    let (uri, code) = (device.verification_uri.as_str(), &device.user_code);
    say(&format!("open {uri} and enter {code}"));
    Ok(client.poll(&device).await?)
}

async fn run(client: &TokenClient, var: Var<'_>) -> Result<(), Box<dyn Error>> {
    let grant = var("GRANT").unwrap_or_else(|| "client_credentials".to_owned());
    if grant == "push" {
        let redirect_uri = var("REDIRECT_URI").ok_or("REDIRECT_URI is missing")?;
        let challenge = var("CODE_CHALLENGE").ok_or("CODE_CHALLENGE is missing")?;
        let pushed = PushedRequest::new([
            ("response_type", "code"),
            ("scope", "openid"),
            ("redirect_uri", &redirect_uri),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])?;
        let pushed = client.ask(pushed).await?;
        say(&format!("pushed, good for {:?}", pushed.expires_in));
        return Ok(());
    }
    let tokens = match &*grant {
        "device_code" => device(client, var).await?,
        grant => client.ask(request(grant, var)?).await?,
    };
    let (kind, scope) = (tokens.token_type, tokens.scope.as_deref());
    let (life, again) = (tokens.expires_in, tokens.refresh_token.is_some());
    say(&format!(
        "got a {kind:?} token: lifetime {life:?}, scope {scope:?}, refresh token {again}"
    ));
    for what in var("THEN").unwrap_or_default().split_whitespace() {
        let token = &tokens.access_token;
        match what {
            "introspect" => {
                let told = client
                    .ask(IntrospectionRequest::access_token(token))
                    .await?;
                say(&format!("active: {}", told.active));
            }
            "revoke" => {
                let end = client.ask(RevocationRequest::access_token(token)).await?;
                say(&format!("revoked: {end:?}"));
            }
            "show" => {
                say(&format!("access_token={}", token.expose()));
                if let Some(token) = &tokens.refresh_token {
                    say(&format!("refresh_token={}", token.expose()));
                }
            }
            other => return Err(format!("THEN: {other:?} is unknown").into()),
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a program talks to its user")]
fn say(line: &str) {
    println!("{line}");
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a program talks to its user")]
async fn main() -> ExitCode {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let client = TokenClientBuilder::from_env().and_then(TokenClientBuilder::build);
    let result = match client {
        Ok(client) => run(&client, &var).await,
        Err(problems) => Err(problems.into()),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Which check failed, and the provider's own word for it.
    let refused = error.downcast_ref::<AskError>();
    match refused.and_then(|refused| refused.code()) {
        Some(code) => eprintln!("{error} [{code}]"),
        None => eprintln!("{error}"),
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
