//! What an exchange is for.

macro_rules! purposes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal)*) => {
        /// What an exchange is for: of all that is known of a request the part that a log or a metric can tell without
        /// telling whose it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Purpose { $($(#[doc = $doc])* $name),* }

        impl Purpose {
            /// Every one there is.
            pub const ALL: &[Purpose] = &[$(Purpose::$name),*];

            /// Its name, which stays.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

purposes! {
    /// What a server says of itself.
    Metadata = "metadata"
    /// Published keys.
    Keys = "keys"
    /// A grant becomes tokens.
    Token = "token"
    /// Claims beside those of the ID token.
    Userinfo = "userinfo"
    /// An authorization request is left at the server.
    PushedAuthorizationRequest = "pushed_authorization_request"
    /// A device asks for a code.
    DeviceAuthorization = "device_authorization"
    /// What a token is worth.
    Introspection = "introspection"
    /// A token ends.
    Revocation = "revocation"
    /// Whoever made the exchange has not said.
    Other = "other"
}
