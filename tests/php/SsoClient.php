<?php

declare(strict_types=1);

/** What the server has refused: its HTTP status as the code, and what it says. */
final class SsoException extends RuntimeException
{
}

/** A client of the sessions API, as a web site would write it: PHP's own curl and the documented calls. */
final class SsoClient
{
    public function __construct(
        private readonly string $base,
        private readonly string $publicKey,
        private readonly string $privateKey,
    ) {
    }

    public function createUser(array $user): array
    {
        return $this->call('POST', '/storage/users.json', ['user' => $user])['user'];
    }

    /** With an update mode, the profile replaces the former one, or is appended to it. */
    public function updateUser(string $userToken, array $user, ?string $updateMode = null): array
    {
        $request = ['update_mode' => $updateMode, 'user' => $user];
        return $this->call('PUT', "/storage/users/$userToken.json", $request)['user'];
    }

    public function deleteUser(string $userToken): void
    {
        $this->call('DELETE', "/users/$userToken.json?confirm_deletion=true");
    }

    /** Has the site know a user by a name of its own. */
    public function mapUser(string $userToken, int|string $externalid): array
    {
        return $this->call('POST', "/storage/users/$userToken.json", ['user' => ['externalid' => $externalid]])['user'];
    }

    /** Changes the user that is known by this, or makes one. */
    public function synchronizeUser(string $field, int|string $value, array $user = [], ?string $updateMode = null): array
    {
        $identifier = ['field' => $field, 'value' => $value];
        $synchronize = ['identifier' => $identifier, 'user' => $user, 'update_mode' => $updateMode];
        return $this->call('PUT', '/storage/users/user/synchronize.json', ['synchronize' => $synchronize])['user'];
    }

    /** Null if there is no such user of the site's own. No password is verified. */
    public function find(int|string|null $login, ?string $userToken = null, int|string|null $externalid = null): ?array
    {
        $user = ['login' => $login, 'user_token' => $userToken, 'externalid' => $externalid];
        return $this->found('POST', '/storage/users/user/lookup.json', 'user', ['user' => $user]);
    }

    /** Null if the credentials are wrong. The user is known by the login, or by something else. */
    public function lookup(int|string $login, string $password, string $field = 'login'): ?array
    {
        $credentials = [$field => $login, 'password' => $password];
        try {
            return $this->call('POST', '/storage/users/user/lookup.json', ['user' => $credentials])['user'];
        } catch (SsoException $refused) {
            if ($refused->getCode() === 401) {
                return null;
            }
            throw $refused;
        }
    }

    public function users(array $page = []): array
    {
        return $this->call('GET', '/users.json' . self::query($page))['users'];
    }

    public function user(string $userToken): array
    {
        return $this->call('GET', "/users/$userToken.json")['user'];
    }

    public function identity(string $identityToken): array
    {
        return $this->call('GET', "/identities/$identityToken.json")['identity'];
    }

    public function identities(array $page = []): array
    {
        return $this->call('GET', '/identities.json' . self::query($page))['identities'];
    }

    public function deleteIdentity(string $identityToken): void
    {
        $this->call('DELETE', "/identities/$identityToken.json?confirm_deletion=true");
    }

    public function linkIdentity(string $identityToken, string $userToken): array
    {
        $user = ['user_token' => $userToken];
        return $this->call('PUT', "/identities/$identityToken/link.json", ['user' => $user]);
    }

    public function synchronizeIdentity(string $identityToken, array $synchronize = []): array
    {
        $request = ['synchronize' => $synchronize];
        return $this->call('PUT', "/identities/$identityToken/synchronize.json", $request)['identity'];
    }

    /** What is empty is written as `[]`, as PHP does. */
    public function startSession(string $identityToken, array $session = []): array
    {
        $path = "/sso/sessions/identities/$identityToken.json";
        return $this->call('PUT', $path, ['sso_session' => $session])['sso_session'];
    }

    public function sessions(array $page = []): array
    {
        return $this->call('GET', '/sso/sessions.json' . self::query($page))['sso_sessions'];
    }

    /** Null if it is not open. */
    public function session(string $ssoSessionToken): ?array
    {
        return $this->found('GET', "/sso/sessions/$ssoSessionToken.json", 'sso_session');
    }

    /** Null if there is none. */
    public function sessionOfIdentity(string $identityToken): ?array
    {
        return $this->found('GET', "/sso/sessions/identities/$identityToken.json", 'sso_session');
    }

    public function endSession(string $ssoSessionToken): void
    {
        $this->call('DELETE', "/sso/sessions/$ssoSessionToken.json?confirm_deletion=true");
    }

    public function endSessionOfIdentity(string $identityToken): void
    {
        $this->call('DELETE', "/sso/sessions/identities/$identityToken.json?confirm_deletion=true");
    }

    public function site(): array
    {
        return $this->call('GET', '/site.json')['site'];
    }

    public function connections(array $page = []): array
    {
        return $this->call('GET', '/connections.json' . self::query($page))['connections'];
    }

    /** Who was recognised; null if the token is good for nothing, or not any more. */
    public function connection(string $connectionToken): ?array
    {
        try {
            return $this->call('GET', '/connections/' . rawurlencode($connectionToken) . '.json');
        } catch (SsoException $refused) {
            if ($refused->getCode() === 404) {
                return null;
            }
            throw $refused;
        }
    }

    /** Any request; the data of a success. */
    public function call(string $method, string $path, ?array $request = null, array $options = []): array
    {
        $body = $request === null ? null : json_encode(['request' => $request], JSON_THROW_ON_ERROR);
        return $this->send($method, $path, $body, $options);
    }

    /** The same with a body as it is written, and with options of curl. */
    public function send(string $method, string $path, ?string $body = null, array $options = []): array
    {
        $curl = curl_init($this->base . $path);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_USERPWD => "$this->publicKey:$this->privateKey",
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 15,
        ]);
        // Without a header of its own, curl calls any body a form.
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        }
        curl_setopt_array($curl, $options);
        $answer = curl_exec($curl);
        if ($answer === false) {
            throw new SsoException(curl_error($curl));
        }
        $response = json_decode($answer, true, 512, JSON_THROW_ON_ERROR)['response'];
        $status = $response['request']['status'];
        if ($status['code'] !== curl_getinfo($curl, CURLINFO_RESPONSE_CODE)) {
            throw new SsoException("$status[code] is not the status of the response");
        }
        if ($response['request']['resource'] !== $path) {
            throw new SsoException($response['request']['resource'] . " is not $path");
        }
        if ($status['flag'] !== 'success') {
            throw new SsoException($status['info'], $status['code']);
        }
        return $response['result']['data'] ?? [];
    }

    private function found(string $method, string $path, string $what, ?array $request = null): ?array
    {
        try {
            return $this->call($method, $path, $request)[$what];
        } catch (SsoException $refused) {
            if ($refused->getCode() === 404) {
                return null;
            }
            throw $refused;
        }
    }

    private static function query(array $page): string
    {
        return $page === [] ? '' : '?' . http_build_query($page);
    }
}
