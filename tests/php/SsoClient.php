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

    public function updateUser(string $userToken, array $user): array
    {
        return $this->call('PUT', "/storage/users/$userToken.json", ['user' => $user])['user'];
    }

    /** Null if the credentials are wrong. */
    public function lookup(string $login, string $password): ?array
    {
        $credentials = ['login' => $login, 'password' => $password];
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

    public function startSession(string $identityToken, array $session = []): array
    {
        $path = "/sso/sessions/identities/$identityToken.json";
        return $this->call('PUT', $path, ['sso_session' => (object) $session])['sso_session'];
    }

    public function sessions(array $page = []): array
    {
        return $this->call('GET', '/sso/sessions.json' . self::query($page))['sso_sessions'];
    }

    /** Null if it is not open. */
    public function session(string $ssoSessionToken): ?array
    {
        return $this->found("/sso/sessions/$ssoSessionToken.json");
    }

    /** Null if there is none. */
    public function sessionOfIdentity(string $identityToken): ?array
    {
        return $this->found("/sso/sessions/identities/$identityToken.json");
    }

    public function endSession(string $ssoSessionToken): void
    {
        $this->call('DELETE', "/sso/sessions/$ssoSessionToken.json?confirm_deletion=true");
    }

    public function endSessionOfIdentity(string $identityToken): void
    {
        $this->call('DELETE', "/sso/sessions/identities/$identityToken.json?confirm_deletion=true");
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
    public function call(string $method, string $path, ?array $request = null): array
    {
        $curl = curl_init($this->base . $path);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_USERPWD => "$this->publicKey:$this->privateKey",
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 15,
        ]);
        if ($request !== null) {
            $body = json_encode(['request' => $request], JSON_THROW_ON_ERROR);
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
            curl_setopt($curl, CURLOPT_HTTPHEADER, ['Content-Type: application/json']);
        }
        $answer = curl_exec($curl);
        if ($answer === false) {
            throw new SsoException(curl_error($curl));
        }
        $response = json_decode($answer, true, 512, JSON_THROW_ON_ERROR)['response'];
        $status = $response['request']['status'];
        if ($status['flag'] !== 'success') {
            throw new SsoException($status['info'], $status['code']);
        }
        return $response['result']['data'] ?? [];
    }

    private function found(string $path): ?array
    {
        try {
            return $this->call('GET', $path)['sso_session'];
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
