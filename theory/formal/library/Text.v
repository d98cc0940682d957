(* What a file of a certificate has as text: integers, in digits of 5 bits. Nothing here is proved: what is read is
   checked. *)
Require Import List ZArith QArith Bool.
From Coq.Init Require Import Byte.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Check Isthmus.Components.
Import ListNotations.
Open Scope Z_scope.

(* a string as Coq reads it fastest *)
Inductive text := End | Digit (b : byte) (t : text) | Eight (a b c d e f g h : byte) (t : text).
Fixpoint text_of (l : list byte) : text :=
  match l with
  | a :: b :: c :: d :: e :: f :: g :: h :: l => Eight a b c d e f g h (text_of l)
  | b :: l => Digit b (text_of l)
  | [] => End
  end.
Fixpoint bytes_of (t : text) : list byte :=
  match t with
  | End => []
  | Digit b t => b :: bytes_of t
  | Eight a b c d e f g h t => a :: b :: c :: d :: e :: f :: g :: h :: bytes_of t
  end.
Declare Scope text_scope.
Delimit Scope text_scope with text.
String Notation text text_of bytes_of : text_scope.

(* the character 48 + v has the digit v; 32 more where another follows, which counts for 32 times as much *)
Fixpoint naturals (l : list byte) : list N :=
  match l with
  | [] => []
  | b :: l =>
      let v := (Byte.to_N b - 48)%N in
      if N.ltb v 32 then v :: naturals l
      else match naturals l with [] => [] | h :: r => (v - 32 + N.shiftl h 5)%N :: r end
  end.
(* 0, -1, 1, -2, 2, ... *)
Definition signed (v : N) : Z := if N.even v then Z.of_N (N.div2 v) else - Z.of_N (N.div2 v) - 1.

Definition parser A := list N -> A * list N.
Definition read {A} (p : parser A) (l : list text) : A := fst (p (flat_map (fun t => naturals (bytes_of t)) l)).
Definition count : parser N := fun l => match l with [] => (0%N, []) | v :: l => (v, l) end.
Definition number : parser Z := fun l => let (v, l) := count l in (signed v, l).
(* Numbers of parts and of places: nothing has more, and in unary more of a wrong file has no room. *)
Definition unary (v : N) : nat := N.to_nat (N.min v 1000000).
Definition natural : parser nat := fun l => let (v, l) := count l in (unary v, l).
Definition apply {A B} (f : A -> B) (p : parser A) : parser B := fun l => let (a, l) := p l in (f a, l).
Definition both {A B} (p : parser A) (q : parser B) : parser (A * B) :=
  fun l => let (a, l) := p l in let (b, l) := q l in ((a, b), l).
Fixpoint times {A} (n : nat) (p : parser A) : parser (list A) :=
  match n with O => fun l => ([], l) | S n => fun l => let (a, l) := p l in let (r, l) := times n p l in (a :: r, l) end.
Definition many {A} (p : parser A) : parser (list A) := fun l => let (n, l) := natural l in times n p l.

(* a list of n values of which most are zero: for each other how many come before it *)
Fixpoint spread {A} (zero : A) (n : nat) (values : list (nat * A)) : list A :=
  match values with
  | [] => repeat zero n
  | (k, v) :: values => repeat zero k ++ v :: spread zero (n - k - 1) values
  end.
Definition sparse {A} (zero : A) (n : nat) (p : parser A) : parser (list A) := apply (spread zero n) (many (both natural p)).

Section Reading.
Variable n m d : nat.    (* data, neurons, inputs *)

Definition side_of : parser side := fun l =>
  let (z, l) := number l in if Z.leb 0 z then (Across (Z.to_nat z), l) else apply Empty (sparse 0 (Z.to_nat (- z)) number) l.
Definition cones : parser (list row * list pattern) := fun l =>
  let (ws, l) := many (times d number) l in
  let (ps, l) := many (both (times d number) (times (length ws) side_of)) l in
  ((ws, map (fun p => Pat (fst p) (snd p)) ps), l).

Section Cert.
Variable table : list row * list pattern.

Definition fact_of : parser fact := fun l =>
  let (v, l) := count l in let (h, l) := count l in let (den, l) := count l in
  let (mu, l) := sparse 0 n number l in
  let w := unary (N.div2 v) in
  (Fact (N.odd v) 0 (match w with O => None | S w => Some w end) (Z.of_N h) (Z.of_N den) mu, l).
(* facts take their cone from where they are *)
Definition in_cones (facts : list (list fact)) : list (list fact) :=
  map (fun p => map (fun f => Fact (f_s f) (fst p) (f_wall f) (f_h f) (f_den f) (f_mu f)) (snd p))
    (combine (seq 0 (length facts)) facts).
Definition frame_of : parser frame := fun l =>
  let (rows, l) := many (both (times d number) (times d number)) l in
  match rows with [] => (Frame [] 0 0, l) | _ => apply (fun p => Frame rows (fst p) (snd p)) (both number number) l end.
Definition dual_of : parser dual := fun l =>
  let (nu, l) := times n number l in let (lim, l) := number l in let (frame, l) := frame_of l in
  let (facts, l) := sparse [] (length (snd table)) (many fact_of) l in
  (Dual nu lim frame (in_cones facts), l).

Definition step_of : parser step := fun l =>
  let (v, l) := count l in (match v with N0 => Inside | Npos k => Above k end, l).
Fixpoint crossings_of (sds : list side) : parser (list step) :=
  match sds with
  | [] => fun l => ([], l)
  | Across _ :: sds => fun l => let (s, l) := step_of l in apply (cons s) (crossings_of sds) l
  | Empty _ :: sds => apply (cons NoFacet) (crossings_of sds)
  end.
Definition state_of : parser state := apply (fun v => (N.odd v, unary (N.div2 v))) count.
Definition neuron_of : parser (state * (step * list step)) := fun l =>
  let (s, l) := state_of l in
  let (r, l) := both step_of (crossings_of (sides (nth (snd s) (snd table) (Pat [] [])))) l in
  ((s, r), l).
Definition entry_of : parser entry := apply
  (fun ns => Entry (map fst ns) (map (fun p => fst (snd p)) ns) (map (fun p => snd (snd p)) ns)) (times m neuron_of).

Definition cert_of : parser cert := fun l =>
  let (us, l) := many dual_of l in let (es, l) := many entry_of l in (Cert (fst table) (snd table) us es, l).
End Cert.

Definition rational : parser Q := apply (fun p => fst p # match snd p with N0 => xH | Npos k => k end) (both number count).
Definition weights_of : parser (list Q * Q) := both (times d rational) rational.
(* networks by the numbers of their neurons in a table *)
Definition network_of (table : list (list Q * Q)) : parser endpoint :=
  apply (map (fun k => nth k table ([], 0%Q))) (times m natural).
(* a path, without its first network, and its last one *)
Definition way : parser (list endpoint * endpoint) := fun l =>
  let (table, l) := many weights_of l in both (many (network_of table)) (network_of table) l.

(* points of a path: a denominator, and of the neurons that are not zero their signs with integers; their shares *)
Definition points : parser (list (Z * list (bool * list Z))) :=
  many (both number (sparse (true, []) m (both (apply (N.eqb 1) count) (times d number)))).
Definition all_shares : parser (list (Z * Z * list Z)) := many (both (both number number) (sparse 0 m number)).

Definition hub_of (table : list (list Q * Q)) : parser hub := fun l =>
  let (comp, l) := natural l in let (next, l) := count l in
  let (net, l) := network_of table l in let (way, l) := many (network_of table) l in let (last, l) := network_of table l in
  (Hub comp net way last (match next with N0 => None | Npos k => Some k end), l).
Definition hubs_of : parser (list hub) := fun l => let (table, l) := many weights_of l in many (hub_of table) l.
(* the cells of a component *)
Definition part (k : nat) (all : cert) (hubs : list hub) : list entry :=
  map fst (filter (fun p => Nat.eqb (h_comp (snd p)) k) (combine (entries all) hubs)).
End Reading.
