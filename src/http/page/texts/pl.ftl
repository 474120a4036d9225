language = Polski
skip = Przejdź do treści
navigation = Strony
languages = Języki
terms = Regulamin
privacy = Polityka prywatności
problem-prefix = Błąd:
problem-title = Wystąpił problem
show-password = Pokaż hasło
hide-password = Ukryj hasło
copy = Kopiuj
copied = Skopiowano
continue = Dalej
save = Zapisz
cancel = Anuluj
try-again = Spróbuj ponownie
begin-again = Zacznij od początku

username = Nazwa użytkownika
password = Hasło
new-password = Nowe hasło
code = Kod
code-hint = Sześć cyfr z aplikacji uwierzytelniającej albo jeden z kodów zapasowych.
code-if-any = Tylko jeśli włączono logowanie dwuetapowe.
keep = Nie wylogowuj mnie na tym urządzeniu

login-title = Logowanie
login-button = Zaloguj się
login-link = Przejdź do logowania
login-again-title = Potwierdź, że to Ty
login-again-text = Zaloguj się jeszcze raz, aby kontynuować.
login-code-title = Wpisz kod
login-code-text = Twoje konto wymaga drugiego kroku.
login-password-title = Wybierz nowe hasło
login-password-text = Twoje hasło wygasło albo trzeba je zmienić, zanim przejdziesz dalej.
forgot-link = Nie pamiętasz hasła?
signup-question = Nie masz jeszcze konta?
signup-link = Zarejestruj się
logout-title = Wylogowanie
logout-button = Wyloguj się
done-logout = Wylogowano.

account-title = Twoje konto
admin-title = Administracja
signed-in-as = Zalogowano jako { $name }
profile-title = Twój profil
display-name = Nazwa wyświetlana
first-name = Imię
middle-name = Drugie imię
last-name = Nazwisko
done-profile = Profil został zapisany.

wait-seconds = { $count ->
    [one] Zbyt wiele prób. Spróbuj ponownie za { $count } sekundę.
    [few] Zbyt wiele prób. Spróbuj ponownie za { $count } sekundy.
    [many] Zbyt wiele prób. Spróbuj ponownie za { $count } sekund.
   *[other] Zbyt wiele prób. Spróbuj ponownie za { $count } sekundy.
 }
wait-minutes = { $count ->
    [one] Zbyt wiele prób. Spróbuj ponownie za { $count } minutę.
    [few] Zbyt wiele prób. Spróbuj ponownie za { $count } minuty.
    [many] Zbyt wiele prób. Spróbuj ponownie za { $count } minut.
   *[other] Zbyt wiele prób. Spróbuj ponownie za { $count } minuty.
 }
foreign-form-title = Tego nie wysłano stąd
foreign-form-text = Formularz wysłała inna witryna. Niczego nie zmieniono.
old-form-title = Ten formularz jest zbyt stary
old-form-text = Niczego nie zmieniono. Otwórz stronę ponownie i wyślij formularz jeszcze raz. Przeglądarka musi przyjmować pliki cookie, a adres musi zaczynać się od https.
done-form-kept = W międzyczasie nastąpiło wylogowanie. Wpisane dane są znów widoczne: sprawdź je i wyślij ponownie.
done-form-lost = W międzyczasie nastąpiło wylogowanie. Wpisane dane nie zostały zapisane: zrób to jeszcze raz.
busy-title = Zbyt duże obciążenie
busy-text = Serwer nie może teraz odpowiedzieć. Spróbuj ponownie za kilka sekund.
refused-title = To niemożliwe
refused-text = Nie można obsłużyć tego żądania.
fault-title = Coś poszło nie tak
fault-text = To nasz błąd; został zapisany. Spróbuj ponownie później.
fault-id = Numer tego żądania: { $id }

login-E005001 = Nazwa użytkownika lub hasło są nieprawidłowe.
login-code-E005001 = Kod jest nieprawidłowy lub już użyty albo minęło zbyt dużo czasu. Spróbuj następnego kodu lub zacznij od początku.
error-other = To niedozwolone.
error-E001001 = Tej nazwy użytkownika nie można użyć.
error-E001002 = Ta nazwa użytkownika jest zajęta.
error-E001003 = Ta nazwa użytkownika jest zbyt długa.
error-E001004 = Nazwa użytkownika nie zawiera spacji.
error-E002001 = To nie jest adres e-mail.
error-E002002 = Ten adres e-mail jest zajęty.
error-E002003 = Ten adres e-mail jest zbyt długi.
error-E002004 = Adres e-mail nie zawiera spacji.
error-E002005 = Wpisz swój adres e-mail.
error-E003001 = Wybierz inne hasło: tego nie można użyć.
error-E003002 = To hasło jest zbyt krótkie.
error-E003003 = To hasło jest zbyt długie.
error-E003008 = To hasło zbyt łatwo odgadnąć. Wydłuż je lub połącz kilka słów.
error-E005001 = To niedozwolone albo hasło lub kod są nieprawidłowe.
error-E005002 = To konto jest zablokowane.
error-E005003 = Adres e-mail tego konta nie został jeszcze potwierdzony.
error-E005004 = To konto nie zostało jeszcze zatwierdzone.
error-E005008 = Wpisz kod.
error-E008002 = Tego nie można tu użyć.
error-E008003 = Uzupełnij brakujące dane.

signup-title = Utwórz konto
signup-button = Utwórz konto
signup-terms = Tworząc konto, akceptujesz warunki podane na dole tej strony.
signup-closed-title = Rejestracja wyłączona
signup-closed-text = Nie można tu tworzyć kont. Poproś o nie osoby prowadzące tę witrynę.
signup-done-title = Sprawdź pocztę
signup-done-text = Jeśli adresu można użyć, wiadomość z odnośnikiem jest już w drodze. Otwórz odnośnik, aby potwierdzić konto.
login-question = Masz już konto?
email = Adres e-mail
email-optional = Adres e-mail (opcjonalnie)
display-name-optional = Nazwa wyświetlana (opcjonalnie)
password-hint = { $count ->
    [one] Co najmniej { $count } znak. Kilka słów łatwo zapamiętać, a trudno odgadnąć.
    [few] Co najmniej { $count } znaki. Kilka słów łatwo zapamiętać, a trudno odgadnąć.
    [many] Co najmniej { $count } znaków. Kilka słów łatwo zapamiętać, a trudno odgadnąć.
   *[other] Co najmniej { $count } znaku. Kilka słów łatwo zapamiętać, a trudno odgadnąć.
 }
resend-link = Wiadomość nie dotarła?
resend-title = Wyślij wiadomość ponownie
resend-text = Jeśli jakieś konto czeka na potwierdzenie, otrzyma wiadomość jeszcze raz.
username-or-email = Nazwa użytkownika lub adres e-mail
send = Wyślij
token = Kod z wiadomości
token-hint = Jeśli to pole jest puste, skopiuj odnośnik lub kod z wiadomości.
confirm-signup-title = Potwierdź konto
confirm-signup-text = Pozostał jeden krok: potwierdź, że to konto jest Twoje.
confirm-email-title = Potwierdź adres e-mail
confirm-email-text = Potwierdź, że ten adres ma być adresem Twojego konta.
confirm-button = Potwierdź
done-signup = Konto jest potwierdzone. Możesz się teraz zalogować.
done-approval = Konto jest potwierdzone. Zalogujesz się, gdy zostanie zatwierdzone.
done-email = Adres e-mail został zapisany.
done-email-sent = Wiadomość jest w drodze na nowy adres. Otwórz odnośnik, aby potwierdzić zmianę.
forgot-title = Nie pamiętasz hasła?
forgot-text = Podaj, kim jesteś. Jeśli masz konto z adresem e-mail, otrzymasz wiadomość z odnośnikiem do wyboru nowego hasła.
sent-title = Sprawdź pocztę
sent-text = Jeśli takie konto istnieje, wiadomość z odnośnikiem jest już w drodze. Odnośnik działa raz.
reset-title = Wybierz nowe hasło
forgot-again = Poproś o kolejną wiadomość
done-password = Hasło zostało zmienione.
reset-E010001 = Ten kod jest nieprawidłowy, już użyty lub zbyt stary. Poproś o kolejną wiadomość.
error-E005006 = Ten kod jest nieprawidłowy, już użyty lub zbyt stary.
error-E005007 = To konto jest już potwierdzone.

security-title = Logowanie i bezpieczeństwo
email-title = Adres e-mail
email-now = Twój adres e-mail: { $email }
email-new = Nowy adres e-mail
email-hint = Być może trzeba będzie go potwierdzić odnośnikiem wysłanym na ten adres.
password-title = Zmiana hasła
old-password = Obecne hasło
account-password-E005001 = Obecne hasło jest nieprawidłowe.
two-factor-title = Logowanie dwuetapowe
two-factor-text = Z drugim krokiem samo hasło nie wystarczy: aplikacja w telefonie pokazuje kod, o który także zapytamy.
two-factor-on = Logowanie dwuetapowe jest włączone.
two-factor-button = Włącz logowanie dwuetapowe
two-factor-off-title = Wyłączanie
two-factor-off-button = Wyłącz logowanie dwuetapowe
done-two-factor-off = Logowanie dwuetapowe jest wyłączone.
done-second-factor = Włącz logowanie dwuetapowe, aby korzystać z administracji.
is-on = Włączone
is-off = Wyłączone
none = Brak
set-up-title = Skonfiguruj aplikację
set-up-text = Zeskanuj ten obraz aplikacją uwierzytelniającą.
qr-code = Kod QR z kluczem podanym niżej
key-text = Albo wpisz ten klucz w aplikacji:
set-up-hint = Sześć cyfr, które aplikacja pokazuje teraz.
account-set-up-E005001 = Kod jest nieprawidłowy. Wpisz ten, który aplikacja pokazuje teraz.
codes-title = Kody zapasowe
codes-text = Przechowuj te kody w bezpiecznym miejscu. Każdy pozwala raz zalogować się bez aplikacji. Nie będą pokazane ponownie, a wcześniejsze już nie działają.
codes-left = { $count ->
    [one] Pozostał { $count } kod.
    [few] Pozostały { $count } kody.
    [many] Pozostało { $count } kodów.
   *[other] Pozostało { $count } kodu.
 }
codes-button = Utwórz nowe kody
sessions-title = Urządzenia, na których trwa sesja
sessions-text = Zakończ to, czego nie rozpoznajesz, a potem zmień hasło.
sessions = Sesje
unknown-program = Nieznany program
device-on = { $browser } w systemie { $system }
this-session = ta sesja
session-from = Z adresu { $address }
session-seen = Ostatnio używana:
session-began = Zalogowano:
end = Zakończ
end-of = Zakończ sesję programu { $name }
end-others = Zakończ wszystkie inne
end-all = Zakończ wszystkie sesje
done-session = Zakończono.
data-title = Twoje dane
data-text = Plik z tym, co o Tobie przechowujemy: profil, sesje, klucze dostępu, atrybuty.
data-button = Pobierz
passkey-button = Zaloguj się kluczem dostępu
passkey-instead = Użyj klucza dostępu
passkey-failed = Nie użyto klucza dostępu. Spróbuj ponownie albo zaloguj się inaczej.
passkeys-title = Klucze dostępu
passkeys-text = Kluczem dostępu logujesz się odciskiem palca, twarzą lub blokadą urządzenia albo kluczem bezpieczeństwa, bez hasła i bez kodu.
passkeys-none = Nie masz jeszcze kluczy dostępu.
passkey-add = Dodaj klucz dostępu
passkeys-impossible = Klucze dostępu wymagają JavaScriptu i przeglądarki, która je zna, pod adresem, pod którym ta witryna jest znana.
passkey-not-added = Nie dodano klucza dostępu. Może to urządzenie ma już klucz do Twojego konta. Spróbuj ponownie.
passkey-name = Nazwa klucza dostępu
passkey-name-hint = Na przykład: mój telefon
passkey-name-of = Nazwa: { $name }
passkey-rename = Zmień nazwę
passkey-rename-of = Zmień nazwę: { $name }
passkey-remove = Usuń
passkey-remove-of = Usuń: { $name }
passkey-created = Dodano:
never = nigdy
done-passkey-added = Dodano klucz dostępu. Możesz się nim teraz logować.
done-passkey-renamed = Zmieniono nazwę klucza dostępu.
done-passkey-removed = Usunięto klucz dostępu. Usuń go także na swoim urządzeniu.
error-E012001 = Tego klucza dostępu nie można tu użyć.
error-E012002 = Minęło zbyt dużo czasu albo już to zrobiono. Spróbuj ponownie.
error-E012003 = Bez tego klucza dostępu nikt nie mógłby zalogować się na konto. Najpierw ustaw hasło.
account-delete-title = Usuń konto
account-delete-text = Konto znika na zawsze, wraz ze wszystkim, co o Tobie zapisano. Jego nazwę będą mogli potem przejąć inni.
account-delete-name = Aby potwierdzić, wpisz swoją nazwę użytkownika: { $name }
account-delete-button = Usuń moje konto
done-account-deleted = Twoje konto zostało usunięte.
account-delete-E001001 = To nie jest nazwa użytkownika Twojego konta.
account-delete-E008002 = Jesteś ostatnim superużytkownikiem. Najpierw ustanów innego.
back-to-account = Wróć do konta

admin-users = Użytkownicy
admin-sites = Witryny
search = Szukaj
search-label = Część nazwy użytkownika lub nazwiska albo cały adres e-mail
list-label = Lista
list-all = Wszyscy użytkownicy
list-waiting = Czekający na zatwierdzenie
list-rejected = Odrzuceni
list-unconfirmed = Niepotwierdzeni
list-locked = Zablokowani
list-super-users = Superużytkownicy
search-more = Więcej kryteriów
signed-up-from = Rejestracja od
signed-up-until = Rejestracja do
logged-in-since = Zalogowany od
order-label = Kolejność
order-name = Według nazwy użytkownika
order-newest = Od najnowszych
first-page = Pierwsza strona
found = { $count ->
    [one] { $count } użytkownik
    [few] { $count } użytkowników
    [many] { $count } użytkowników
   *[other] { $count } użytkownika
 }
found-none = Nie znaleziono użytkowników.
found-about = Około { $count } użytkowników
found-more = Ponad { $count } użytkowników
status = Stan
signed-up = Rejestracja
status-before-decision = niezatwierdzony
status-approved = zatwierdzony
status-rejected = odrzucony
status-locked = zablokowany
status-super-user = superużytkownik
previous = Poprzednia
next = Następna
page-of = Strona { $page } z { $pages }
approve = Zatwierdź
reject = Odrzuć
lock = Zablokuj
unlock = Odblokuj
send-reset = Wyślij odnośnik do nowego hasła
done-approved = Użytkownik został zatwierdzony.
done-rejected = Użytkownik został odrzucony.
done-locked = Użytkownik został zablokowany.
done-unlocked = Użytkownik został odblokowany.
done-deleted = Użytkownik został usunięty.
done-reset = Wiadomość jest w drodze.
details = Szczegóły
attributes = Atrybuty
linked-auth = Powiązane definicje
encrypted = zaszyfrowany
delete-title = Usuwanie
delete-question = Usuń tego użytkownika…
delete-text = Użytkownik zniknie na zawsze, ze wszystkimi sesjami i atrybutami.
delete = Usuń na zawsze
no-user-title = Nie ma takiego użytkownika
no-user-text = Użytkownik mógł zostać usunięty.
admin-groups = Grupy
group-name = Grupa
group-new = Nowa grupa
group-create = Utwórz grupę
group-add = Dodaj do grupy
group-delete-question = Usuń tę grupę …
group-delete-text = Grupa znika na zawsze, wraz z uprawnieniami, które daje. Jej członkowie pozostają.
no-group-title = Nie ma takiej grupy
no-group-text = Grupa mogła zostać usunięta.
description = Opis
scopes = Zakresy (scopes)
scopes-hint = Co można przyznać członkom, oddzielone spacjami.
rights = Uprawnienia
can-manage-users = Zarządzanie użytkownikami
can-read-audit = Odczyt dziennika audytu
members = Członkowie
members-count = { $count ->
    [one] { $count } członek
    [few] { $count } członków
    [many] { $count } członków
   *[other] { $count } członka
 }
member-add = Dodaj
remove = Usuń
remove-of = Usuń { $name }
done-group-created = Grupa została utworzona.
done-group-saved = Grupa została zapisana.
done-group-deleted = Grupa została usunięta.
done-member-added = Użytkownik jest teraz w grupie.
done-member-removed = Użytkownika nie ma już w grupie.
error-E013001 = Nie ma takiej grupy.
error-E013002 = Grupa o tej nazwie już istnieje.
error-E008001 = Obecnie nie jest to możliwe.
site-name = Witryna
public-key = Klucz publiczny
trusted = zaufana
callbacks = Adresy powrotu
error-E001100 = Nie ma takiego użytkownika.
error-E007001 = Ta sesja już się zakończyła.

consent-title = { $client } prosi o dostęp
consent-text = Jeśli się zgodzisz, przejdziesz do { $target }, a aplikacja otrzyma:
consent-yes = Zezwól
consent-no = Nie zezwalaj
consent-other = Użyj innego konta
consent-hint = Możesz to w każdej chwili wycofać na swoim koncie, w aplikacjach.
scope-openid = Kim jesteś: numer, który oznacza Twoje konto
scope-profile = Twoje imię, nazwisko i nazwę użytkownika
scope-email = Twój adres e-mail
scope-groups = Grupy, do których należysz
scope-offline_access = Dostęp, gdy nie jesteś zalogowany
applications-title = Aplikacje z dostępem
applications-text = Te aplikacje mogą znać to, co podano. Wycofaj to, czego nie używasz.
applications-none = Nie dałeś dostępu żadnej aplikacji.
applications-since = Od:
withdraw = Wycofaj
withdraw-of = Wycofaj dostęp aplikacji { $name }
done-application = Dostęp został wycofany.
client-problem-title = Aplikacja poprosiła o coś, czego nie można zrobić
client-problem-text = Stąd nie można iść dalej. Wróć do aplikacji i przekaż osobom, które ją prowadzą, to, co jest poniżej.
device-title = Połącz urządzenie
device-text = Wpisz kod, który pokazuje urządzenie.
device-check = Zezwól tylko wtedy, gdy urządzenie przed Tobą pokazuje ten kod:
device-E005001 = Ten kod jest błędny, był już użyty albo jest za stary. Niech urządzenie pokaże nowy.
done-device-allowed = Urządzenie ma teraz dostęp.
done-device-denied = Urządzenie nie otrzymało dostępu.
