(* The certificate, its boolean checker, and the proof that the checker is sound. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Classical FMapPositive Permutation FinFun.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Ball.
Import ListNotations.
Open Scope R_scope.

(* ------------------------------------------------------------------ the certificate *)

(* nu . (s relu(X u)) <= f_h |u| for all u in cone f_i (on the wall f_wall of it), |u| the largest entry or the
   norm, as the ball has it, or that of a frame; for Spectral its square, where positive, is <= f_h |u|^2.
   Multipliers f_mu / f_den. Without a ball: <= 0 for all u. *)
Record fact := Fact { f_s : bool; f_i : nat; f_wall : option nat; f_h : Z; f_den : Z; f_mu : list Z }.
(* a length |u| of u, the root of the sum of (l . u)^2 over fr_size^2, for rows (l, m) with
   r . u = sum (m . r) (l . u) / fr_unit; fr_size^2 is at least the sum of the l . l *)
Record frame := Frame { fr_rows : list (row * row); fr_unit : Z; fr_size : Z }.
(* d_lim: what the neurons' f_h may come to, together, so that the loss is at least b; d_facts: by cone; d_frame: for
   spectral norms *)
Record dual := Dual { d_nu : list Z; d_lim : Z; d_frame : frame; d_facts : list (list fact) }.

(* across a facet: inside, in a cell of S, or the loss on the facet is at least b by a dual; or no facet *)
Inductive step := Inside | Above (k : positive) | NoFacet.
(* across a wall of a cone: another cone, or no facet there, by Farkas multipliers *)
Inductive side := Across (i : nat) | Empty (mu : list Z).
Record pattern := Pat { pt : list Z; sides : list side }.
Record entry := Entry { states : cell; e_flips : list step; crossings : list (list step) }.
Record cert := Cert { walls : list row; patterns : list pattern; duals : list dual; entries : list entry }.

(* ------------------------------------------------------------------ the checker *)

Definition parb (x z : row) : bool :=
  let n := dotZ x x in let c := dotZ x z in
  negb (Z.eqb n 0) && negb (Z.eqb c 0) && zerob (lin n z (- c) x).
Definition gram (x z : row) : Z := (dotZ x x * dotZ z z - dotZ x z * dotZ x z)%Z.

Fixpoint list_eqb {A} (eqb : A -> A -> bool) (l l' : list A) : bool :=
  match l, l' with
  | [], [] => true
  | a :: l, b :: l' => eqb a b && list_eqb eqb l l'
  | _, _ => false
  end.
Definition state_eqb (s t : state) : bool := Bool.eqb (fst s) (fst t) && Nat.eqb (snd s) (snd t).

Fixpoint setn {A} (j : nat) (a : A) (l : list A) {struct l} : list A :=
  match l with [] => [] | b :: l => match j with O => a :: l | S j => b :: setn j a l end end.

(* states by number, and a table of cells by a number that does not depend on the order of their states *)
Definition code (s : state) : positive := (if fst s then xI else xO) (Pos.of_succ_nat (snd s)).
Definition key (l : list positive) : positive := fold_right (fun p t => (p * p + t)%positive) 1%positive l.
Definition bucket (k : positive) (t : PositiveMap.t (list (list positive))) : list (list positive) :=
  match PositiveMap.find k t with Some l => l | None => [] end.
Definition buckets (l : list (list positive)) : PositiveMap.t (list (list positive)) :=
  fold_right (fun c t => PositiveMap.add (key c) (c :: bucket (key c) t) t) (PositiveMap.empty _) l.
Definition among (lab : bool) (table : PositiveMap.t (list (list positive))) (l : list positive) : bool :=
  existsb (fun c => if lab then list_eqb Pos.eqb c l else permb positive Pos.eqb c l) (bucket (key l) table).

Fixpoint farkas (s : Z) (p : row) (free : row -> bool) (X : list row) (nu mu : list Z) : option row :=
  match X, nu, mu with
  | [], [], [] => Some []
  | z :: X', v :: nu', w :: mu' =>
      if (Z.leb 0 w || free z)%bool then
        match farkas s p free X' nu' mu' with
        | Some r => let e := dotZ z p in
            Some (lin ((if Z.ltb 0 e then s * v else 0) + Z.sgn e * w)%Z z 1 r)
        | None => None
        end
      else None
  | _, _, _ => None
  end.

(* the Farkas combination that shows that the cone of p, flipped on the rows `on`, is flat *)
Fixpoint flat (p : row) (on : row -> bool) (X : list row) (mu : list Z) : option row :=
  match X, mu with
  | [], [] => Some []
  | z :: X', w :: mu' =>
      if Z.leb 0 w then
        match flat p on X' mu' with
        | Some r => let e := Z.sgn (dotZ z p) in Some (lin ((if on z then - e else e) * w)%Z z 1 r)
        | None => None
        end
      else None
  | _, _ => None
  end.

Definition zero_opt (r : option row) : bool := match r with Some r => zerob r | None => false end.

Fixpoint index {A} (p : positive) (l : list A) : PositiveMap.t A :=
  match l with [] => PositiveMap.empty A | a :: l => PositiveMap.add p a (index (Pos.succ p) l) end.

Definition l1 (r : row) : Z := fold_right (fun v t => Z.abs v + t)%Z 0%Z r.

(* where the neurons share the radius the largest f_h counts, not their sum *)
Definition shared (ball : balls) : bool := match ball with Frobenius _ _ | Summing _ _ => true | _ => false end.
Definition together (ball : balls) (h t : Z) : Z := if shared ball then Z.max h t else (h + t)%Z.

Section Checker.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.   (* loss > b on the faces instead of >= b *)
Variable C : cert.

Definition nz : list row := filter (fun x => negb (zerob x)) X.
Definition pat (i : nat) : row := pt (nth i (patterns C) (Pat [] [])).
Definition wall (n : nat) : row := nth n (walls C) [].
Definition nwalls := length (walls C).
Definition rn := match ball with Free => 0%Z | Entrywise p _ | Columns p _ | Frobenius p _ | Spectral p _ | Summing p _ => p end.
Definition rd := match ball with Free => 1%Z | Entrywise _ q | Columns _ q | Frobenius _ q | Spectral _ q | Summing _ q => q end.

Definition check_rows : bool :=
  Z.ltb 0 bd && Z.leb 0 rn && Z.ltb 0 rd && Nat.eqb (length y) (length X) &&
  forallb (fun x => Nat.leb (length x) d) X &&
  forallb (fun x => negb (Z.eqb (dotZ x x) 0)) nz &&
  forallb (fun x => forallb (fun z => parb x z || negb (Z.eqb (gram x z) 0)) nz) nz &&
  forallb (fun r => existsb (fun x => list_eqb Z.eqb r x) nz) (walls C) &&
  forallb (fun x => existsb (fun r => parb r x) (walls C)) nz.

Definition check_side (p : row) (n : nat) (sd : side) : bool :=
  match sd with
  | Across i' => let p' := pat i' in
      forallb (fun z => let e := (dotZ z p * dotZ z p')%Z in
                 if parb (wall n) z then Z.ltb e 0 else Z.ltb 0 e) nz
  | Empty mu => existsb (fun w => Z.ltb 0 w) mu && zero_opt (flat p (parb (wall n)) nz mu)
  end.

Definition check_pattern (q : pattern) : bool :=
  forallb (fun z => negb (Z.eqb (dotZ z (pt q)) 0)) nz &&
  forallb (fun n => check_side (pt q) n (nth n (sides q) (Empty []))) (seq 0 nwalls).

Definition on_wall (w : option nat) (z : row) : bool :=
  match w with None => false | Some n => parb (wall n) z end.
(* c_1 l_1 + c_2 l_2 + .. *)
Fixpoint span (cs : list Z) (L : list (row * row)) : row :=
  match cs, L with c :: cs, lm :: L => lin c (fst lm) 1 (span cs L) | _, _ => [] end.
Definition axis (i : nat) : row := repeat 0%Z i ++ [1%Z].
(* the squares of the m . r, times fr_size^2 / fr_unit^2, come to q at most *)
Definition in_frame (F : frame) (r : row) (q : Z) : bool :=
  let t := fr_unit F in let cs := map (fun lm : row * row => dotZ (snd lm) r) (fr_rows F) in
  Nat.leb (length r) d && Z.leb (fr_size F * fr_size F * dotZ cs cs) (t * t * q).
Definition check_frame (F : frame) : bool :=
  match ball with
  | Spectral _ _ | Summing _ _ => Z.ltb 0 (fr_unit F) && Z.ltb 0 (fr_size F) &&
      forallb (fun lm => Nat.leb (length (fst lm)) d) (fr_rows F) && forallb (fun lm => Nat.leb (length (snd lm)) d) (fr_rows F) &&
      forallb (fun i => zerob (lin (- fr_unit F) (axis i) 1 (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)))) (seq 0 d) &&
      Z.leb (fold_right (fun lm t => dotZ (fst lm) (fst lm) + t)%Z 0%Z (fr_rows F)) (fr_size F * fr_size F)
  | _ => true
  end.
(* r . u <= den h |u|, in the length of the ball; for Spectral h is a square *)
Definition short (F : frame) (r : row) (den h : Z) : bool :=
  let k := (den * h)%Z in
  match ball with
  | Free => zerob r
  | Entrywise _ _ => Nat.leb (length r) d && Z.leb (l1 r) k
  | Columns _ _ | Frobenius _ _ => Nat.leb (length r) d && Z.leb 0 k && Z.leb (dotZ r r) (k * k)
  | Spectral _ _ => Z.leb 0 h && in_frame F r (den * k)
  | Summing _ _ => Z.leb 0 k && in_frame F r (k * k)
  end.
Definition check_fact (nu : list Z) (F : frame) (f : fact) : bool :=
  Nat.ltb (f_i f) (length (patterns C)) && Z.ltb 0 (f_den f) &&
  match farkas (if f_s f then 1 else -1) (pat (f_i f)) (on_wall (f_wall f)) X (map (Z.mul (f_den f)) nu) (f_mu f) with
  | Some r => short F r (f_den f) (f_h f)
  | None => false
  end.

(* the f_h of Spectral are squares, so that their sum is one *)
Definition limit (t : Z) : Z := match ball with Spectral _ _ => Z.sqrt_up t | _ => t end.
Definition check_dual (u : dual) : bool :=
  let nu := d_nu u in let g := (rd * dotZ nu y - rn * limit (d_lim u))%Z in
  Nat.eqb (length nu) (length X) && Z.ltb 0 g && (if strict then Z.ltb else Z.leb) (2 * bn * rd * rd * dotZ nu nu)%Z (g * g * bd)%Z &&
  check_frame (d_frame u) && forallb (forallb (check_fact nu (d_frame u))) (d_facts u).

Definition weight (u : dual) (s : state) (w : option nat) : option Z :=
  match find (fun f => Bool.eqb (f_s f) (fst s) && Nat.eqb (f_i f) (snd s) &&
     match f_wall f with
     | None => true
     | Some n => match w with Some n' => Nat.eqb n n' | None => false end
     end) (nth (snd s) (d_facts u) []) with Some f => Some (f_h f) | None => None end.

(* face None: neuron j is zero; Some n: neuron j lies on wall n *)
Fixpoint total (u : dual) (c : cell) (j : nat) (face : option nat) (k : nat) : option Z :=
  match k with
  | O => Some 0%Z
  | S i => match total u c j face i with
           | Some t =>
               match (if Nat.eqb i j then match face with None => Some 0%Z | Some n => weight u (st c i) (Some n) end
                      else weight u (st c i) None) with
               | Some h => Some (together ball h t)
               | None => None
               end
           | None => None
           end
  end.
Definition above (u : dual) (c : cell) (j : nat) (face : option nat) : bool :=
  match total u c j face m with Some t => Z.leb t (d_lim u) | None => false end.

Variable cells : PositiveMap.t (list (list positive)).
Variable dmap : PositiveMap.t dual.

(* codes: those of c *)
Definition check_step (c : cell) (codes : list positive) (j : nat) (face : option nat) (ns : state) (p : step) : bool :=
  match p with
  | Inside => among lab cells (setn j (code ns) codes)
  | Above k => match PositiveMap.find k dmap with Some u => above u c j face | None => false end
  | NoFacet => false
  end.

Definition check_neuron (c : cell) (codes : list positive) (j : nat) (fl : step) (cr : list step) : bool :=
  let s := fst (st c j) in let i := snd (st c j) in
  Nat.ltb i (length (patterns C)) && check_step c codes j None (negb s, i) fl &&
  let sd := sides (nth i (patterns C) (Pat [] [])) in
  forallb (fun n => match nth n sd (Empty []) with
                    | Across i' => check_step c codes j (Some n) (s, i') (nth n cr NoFacet)
                    | Empty _ => true
                    end) (seq 0 nwalls).

Definition check_entry (e : entry) : bool :=
  let codes := map code (states e) in Nat.eqb (length (states e)) m &&
  forallb (fun j => check_neuron (states e) codes j (nth j (e_flips e) NoFacet) (nth j (crossings e) [])) (seq 0 m).
End Checker.

(* what certificates of the same walls, patterns and dual vectors have in common *)
Definition check_shared X y d ball bn bd strict C : bool :=
  check_rows X y d ball bd C && forallb (check_pattern X C) (patterns C) &&
  forallb (check_dual X y d ball bn bd strict C) (duals C).
Definition check_entries m lab ball (C : cert) : bool :=
  let cells := buckets (map (fun e => map code (states e)) (entries C)) in
  let dmap := index 1 (duals C) in
  forallb (check_entry m lab ball C cells dmap) (entries C).
Definition check X y m d lab ball bn bd strict C : bool :=
  check_shared X y d ball bn bd strict C && check_entries m lab ball C.
Definition with_entries (C : cert) (es : list entry) : cert := Cert (walls C) (patterns C) (duals C) es.

(* the sum; a common denominator is sought where they differ *)
Definition plusQ (p q : Q) : Q :=
  if Z.eqb (Qnum q) 0 then p
  else if Pos.eqb (Qden p) (Qden q) then (Qnum p + Qnum q # Qden p)%Q else Qred (p + q).
Fixpoint dotQ (x : row) (w : nat -> Q) : Q :=
  match x with [] => 0%Q | a :: x => plusQ (inject_Z a * w O) (dotQ x (fun i => w (S i))) end.
Definition absQ (a : Q) : Q := if Qle_bool 0 a then a else (- a)%Q.

Definition contains (X : list row) (C : cert) (m : nat) (A : endpoint) (c : cell) : bool :=
  forallb (fun j => let s := st c j in
    Qle_bool 0 (if fst s then qa A j else - qa A j) &&
    forallb (fun x => Qle_bool 0 (inject_Z (dotZ x (pat C (snd s))) * (absQ (qa A j) * dotQ x (qW A j)))) (nz X))
  (seq 0 m).

(* Coq's machine computes both sides of &&, and all of forallb: these stop where it is decided *)
Open Scope lazy_bool_scope.
Fixpoint every {A} (f : A -> bool) (l : list A) : bool := match l with [] => true | a :: l => f a &&& every f l end.
(* the same from tables: x . p for each pattern, and the numerators of x . u for each neuron *)
Definition pattern_sides (X : list row) (C : cert) : list (list Z) := map (fun p => map (fun x => dotZ x (pt p)) (nz X)) (patterns C).
Definition net_sides (X : list row) (m : nat) (A : endpoint) : list (list Z) :=
  map (fun j => map (fun x => Qnum (absQ (qa A j) * dotQ x (qW A j))) (nz X)) (seq 0 m).
Fixpoint agree (l l' : list Z) : bool := match l, l' with e :: l, v :: l' => Z.leb 0 (e * v) &&& agree l l' | _, _ => true end.
Definition inside (sds : list (list Z)) (m : nat) (A : endpoint) (us : list (list Z)) (c : cell) : bool :=
  every (fun j => let s := st c j in
    Qle_bool 0 (if fst s then qa A j else - qa A j) &&& agree (nth (snd s) sds []) (nth j us [])) (seq 0 m).

(* A is in one of the cells, B in none *)
Definition check_cut X m (lab : bool) (A B : endpoint) (C : cert) : bool :=
  let sds := pattern_sides X C in
  Nat.eqb (length B) m && (let us := net_sides X m A in existsb (fun e => inside sds m A us (states e)) (entries C)) &&
  forallb (fun B' => let us := net_sides X m B' in forallb (fun e => negb (inside sds m B' us (states e))) (entries C))
    (if lab then [B] else perms B).

(* lab: labelled neurons. bn / bd: the bound. A, B: the networks *)
Definition check_barrier X y m d lab ball bn bd strict (A B : endpoint) (C : cert) : bool :=
  check X y m d lab ball bn bd strict C && check_cut X m lab A B C.

(* ------------------------------------------------------------------ soundness *)

Lemma list_eqb_eq : forall A (eqb : A -> A -> bool), (forall a b, eqb a b = true -> a = b) ->
  forall l l', list_eqb eqb l l' = true -> l = l'.
Proof.
  intros A eqb H. induction l as [|a l IH]; intros [|b l'] E; simpl in E; try discriminate; auto.
  apply andb_prop in E as [E1 E2]. f_equal; auto.
Qed.

Lemma state_eqb_eq : forall s t, state_eqb s t = true -> s = t.
Proof.
  intros [s i] [t k] E. apply andb_prop in E as [E1 E2]. apply eqb_prop in E1. apply Nat.eqb_eq in E2.
  simpl in *; congruence.
Qed.

Lemma setn_length : forall A (c : list A) j ns, length (setn j ns c) = length c.
Proof. intros A. induction c as [|s c IH]; intros [|j] ns; simpl; auto. Qed.
Lemma setn_map : forall A B (f : A -> B) l j a, map f (setn j a l) = setn j (f a) (map f l).
Proof. intros A B f. induction l as [|b l IH]; intros [|j] a; simpl; congruence. Qed.

Lemma setn_st : forall (c : cell) j ns i, (j < length c)%nat ->
  st (setn j ns c) i = if Nat.eqb i j then ns else st c i.
Proof.
  induction c as [|s c IH]; intros j ns i Hj; simpl in Hj; [lia|].
  destruct j, i; simpl; auto. apply (IH j ns i). lia.
Qed.

Lemma index_in : forall A (l : list A) p q a, PositiveMap.find q (index p l) = Some a -> In a l.
Proof.
  intros A. induction l as [|b l IH]; intros p q a E; simpl in E.
  - rewrite PositiveMap.gempty in E. discriminate.
  - destruct (Pos.eq_dec q p) as [->|N].
    + rewrite PositiveMap.gss in E. inversion E; left; auto.
    + rewrite PositiveMap.gso in E; auto. right; eauto.
Qed.

Lemma bucket_in : forall l k c, In c (bucket k (buckets l)) -> In c l.
Proof.
  induction l as [|a l IH]; intros k c I; cbn [buckets fold_right] in I; unfold bucket in I.
  - rewrite PositiveMap.gempty in I. destruct I.
  - fold (buckets l) in I. destruct (Pos.eq_dec k (key a)) as [->|N].
    + rewrite PositiveMap.gss in I. destruct I as [<-|I]; [left; auto|right; eapply IH; eauto].
    + rewrite PositiveMap.gso in I by auto. right. apply (IH k). exact I.
Qed.

Lemma among_in : forall lab cells l, among lab (buckets cells) l = true ->
  exists c, In c cells /\ if lab then c = l else Permutation c l.
Proof.
  intros lab cells l H. apply existsb_exists in H as (c & Ic & P). exists c. split; [apply (bucket_in _ _ _ Ic)|].
  assert (E : forall u v, Pos.eqb u v = true -> u = v) by (intros u v; apply Pos.eqb_eq).
  destruct lab; [apply (list_eqb_eq _ _ E), P|apply (permb_perm _ _ E), P].
Qed.
Lemma code_inj : forall s t, code s = code t -> s = t.
Proof.
  intros [[|] i] [[|] k] E; unfold code in E; cbn [fst snd] in E; try discriminate E;
    injection E as E; apply SuccNat2Pos.inj in E; congruence.
Qed.
Lemma codes_inj : forall c c', map code c = map code c' -> c = c'.
Proof.
  induction c as [|s c IH]; intros [|s' c'] E; try discriminate; auto. injection E as E1 E2.
  rewrite (code_inj _ _ E1), (IH c' E2). reflexivity.
Qed.
Lemma among_cells : forall lab es c, among lab (buckets (map (fun e => map code (states e)) es)) (map code c) = true ->
  exists c0, In c0 (map states es) /\ if lab then c0 = c else Permutation c0 c.
Proof.
  intros lab es c H. apply among_in in H as (l & Il & E). apply in_map_iff in Il as (e & <- & Ie).
  exists (states e). split; [apply in_map, Ie|]. destruct lab; [apply codes_inj, E|].
  apply Permutation_map_inv in E as (c' & E & P). apply codes_inj in E. subst c'. apply Permutation_sym, P.
Qed.

Lemma index_nth : forall A (d : A) l p k a, PositiveMap.find k (index (Pos.of_succ_nat p) l) = Some a ->
  exists i, (i < length l)%nat /\ nth i l d = a /\ k = Pos.of_succ_nat (p + i).
Proof.
  intros A d. induction l as [|b l IH]; intros p k a E; cbn [index] in E.
  - rewrite PositiveMap.gempty in E. discriminate.
  - destruct (Pos.eq_dec k (Pos.of_succ_nat p)) as [->|N].
    + rewrite PositiveMap.gss in E. injection E as ->. exists O. rewrite Nat.add_0_r. simpl. split; [lia|auto].
    + rewrite PositiveMap.gso in E by auto. destruct (IH (S p) k a E) as (i & Hi & E1 & E2). exists (S i).
      rewrite Nat.add_succ_r. simpl in *. split; [lia|auto].
Qed.

Lemma dotZ_comm : forall x z, dotZ x z = dotZ z x.
Proof. induction x as [|a x IH]; intros [|b z]; simpl; auto. rewrite IH. ring. Qed.

Lemma parb_sound : forall x z, parb x z = true -> exists c, c <> 0 /\ forall u, dot z u = c * dot x u.
Proof.
  intros x z E. unfold parb in E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2].
  apply negb_true_iff, Z.eqb_neq, not_0_IZR in E1. apply negb_true_iff, Z.eqb_neq, not_0_IZR in E2.
  exists (IZR (dotZ x z) / IZR (dotZ x x)). split.
  - unfold Rdiv. apply Rmult_integral_contrapositive. split; auto. apply Rinv_neq_0_compat; auto.
  - intros u. pose proof (dot_zerob _ u E3) as H. rewrite dot_linrow, opp_IZR in H.
    apply Rmult_eq_reg_l with (IZR (dotZ x x)); auto. field_simplify; auto. lra.
Qed.

Lemma gram_sound : forall x z, gram x z <> 0%Z -> exists v, dot x v = 0 /\ dot z v <> 0.
Proof.
  intros x z G. apply not_0_IZR in G. unfold gram in G. rewrite minus_IZR, !mult_IZR in G.
  exists (fun i => IZR (dotZ x x) * vec z i + - IZR (dotZ x z) * vec x i).
  rewrite !dot_lin, !dot_scale, <- !dotZ_dot, (dotZ_comm z x). split; [ring|lra].
Qed.

Fixpoint wsum (nu : list Z) (g : row -> R) (X : list row) : R :=
  match nu, X with v :: nu, z :: X => IZR v * g z + wsum nu g X | _, _ => 0 end.

Lemma wsum_plus : forall nu g h X, wsum nu (fun x => g x + h x) X = wsum nu g X + wsum nu h X.
Proof.
  induction nu as [|v nu IH]; intros g h [|z X]; simpl; try ring. rewrite IH. ring.
Qed.
Lemma wsum_scale : forall nu c g X, wsum nu (fun x => c * g x) X = c * wsum nu g X.
Proof.
  induction nu as [|v nu IH]; intros c g [|z X]; simpl; try ring. rewrite IH. ring.
Qed.
Lemma wsum_ext : forall nu g h X, (forall x, g x = h x) -> wsum nu g X = wsum nu h X.
Proof.
  induction nu as [|v nu IH]; intros g h [|z X] E; simpl; auto. rewrite E, (IH g h); auto.
Qed.

Lemma wsum_map : forall k nu g X, wsum (map (Z.mul k) nu) g X = IZR k * wsum nu g X.
Proof.
  intros k. induction nu as [|v nu IH]; intros g [|z X]; cbn [map wsum]; try ring. rewrite IH, mult_IZR. ring.
Qed.

Lemma sq_lower : forall t F X y nu, length y = length X -> length nu = length X ->
  sqerr F X y >= 2 * t * (IZR (dotZ nu y) - wsum nu F X) - t * t * IZR (dotZ nu nu).
Proof.
  intros t F. induction X as [|x X IH]; intros [|v y] [|w nu] Ly Ln; simpl in Ly, Ln; try discriminate.
  - simpl. lra.
  - cbn [sqerr dotZ wsum]. specialize (IH y nu (eq_add_S _ _ Ly) (eq_add_S _ _ Ln)).
    rewrite !plus_IZR, !mult_IZR. pose proof (pow2_ge_0 (IZR v - F x - t * IZR w)). nra.
Qed.

Lemma net_wsum : forall nu X W a h m,
  (forall j, (j < m)%nat -> wsum nu (fun x => a j * Rmax 0 (dot x (W j))) X <= h j) ->
  wsum nu (net m W a) X <= sumlt m h.
Proof.
  intros nu X W a h. induction m as [|m IH]; intros H.
  - rewrite (wsum_ext nu _ (fun x => 0 * 0)); [|intros; unfold net; simpl; ring].
    rewrite (wsum_scale nu 0 (fun _ => 0)). simpl. lra.
  - rewrite (wsum_ext nu _ (fun x => net m W a x + a m * Rmax 0 (dot x (W m)))) by reflexivity.
    rewrite wsum_plus. specialize (IH (fun j Hj => H j (Nat.lt_lt_succ_r _ _ Hj))).
    specialize (H m (Nat.lt_succ_diag_r m)). simpl. lra.
Qed.

(* a relu(x.w) = s relu(x.u) where u = |a| w and s a >= 0 *)
Lemma scale_relu : forall s a z, sgn s * a >= 0 -> a * Rmax 0 z = sgn s * Rmax 0 (Rabs a * z).
Proof.
  intros s a z H. unfold sgn in *.
  assert (E : Rmax 0 (Rabs a * z) = Rabs a * Rmax 0 z).
  { pose proof (Rabs_pos a). unfold Rmax. destruct (Rle_dec 0 z), (Rle_dec 0 (Rabs a * z)); try nra. }
  rewrite E. destruct s.
  - rewrite Rabs_right; lra.
  - rewrite Rabs_left1; lra.
Qed.

Definition relu_at (u : rvec) (z : row) : R := Rmax 0 (dot z u).

Lemma sgn_mul : forall (e : Z) d, IZR e * d >= 0 -> IZR (Z.sgn e) * d >= 0.
Proof.
  intros e d H. destruct (Z.lt_trichotomy e 0) as [L|[->|L]].
  - rewrite Z.sgn_neg by lia. apply IZR_lt in L. replace (IZR (-1)) with (-1) by reflexivity. nra.
  - simpl. lra.
  - rewrite Z.sgn_pos by lia. apply IZR_lt in L. nra.
Qed.

Lemma farkas_sound : forall s p free X nu mu r, farkas s p free X nu mu = Some r ->
  forall u, (forall z, In z X -> (dotZ z p <> 0%Z \/ dot z u = 0) /\ dot z (vec p) * dot z u >= 0 /\ (free z = true -> dot z u = 0)) ->
  IZR s * wsum nu (relu_at u) X <= dot r u.
Proof.
  intros s p free. induction X as [|z X IH]; intros [|v nu] [|w mu] r E u H; cbn [farkas] in E; try discriminate.
  - inversion E. simpl. lra.
  - destruct (Z.leb 0 w || free z)%bool eqn:B; [|discriminate].
    destruct (farkas s p free X nu mu) as [r'|] eqn:F; [|discriminate]. inversion E; subst r; clear E.
    specialize (IH nu mu r' F u (fun x i => H x (or_intror i))).
    destruct (H z (or_introl eq_refl)) as (Nz & Sz & Fz).
    cbn [wsum]. rewrite dot_linrow, plus_IZR, mult_IZR. unfold relu_at at 1.
    rewrite <- dotZ_dot in Sz.
    assert (T : IZR (Z.sgn (dotZ z p)) * IZR w * dot z u >= 0).
    { apply orb_prop in B as [B|B].
      - apply Z.leb_le, IZR_le in B. pose proof (sgn_mul _ _ Sz). nra.
      - rewrite (Fz B). lra. }
    destruct Nz as [Nz|Nz].
    2:{ rewrite Nz. rewrite (Rmax_left 0 0) by lra. lra. }
    destruct (Z.ltb_spec 0 (dotZ z p)) as [L|L].
    + apply IZR_lt in L. rewrite mult_IZR. rewrite Rmax_right; [|nra]. nra.
    + assert (dotZ z p < 0)%Z as L' by lia. apply IZR_lt in L'. rewrite Rmax_left; [|nra]. nra.
Qed.

Lemma flat_sound : forall p on X mu r, flat p on X mu = Some r ->
  forall q, (forall z, In z X -> if on z then dot z (vec p) * dot z q < 0 else dot z (vec p) * dot z q > 0) ->
  dot r q >= 0 /\ (existsb (fun w => Z.ltb 0 w) mu = true -> dot r q > 0).
Proof.
  intros p on. induction X as [|z X IH]; intros [|w mu] r E q H; cbn [flat] in E; try discriminate.
  - inversion E. simpl. split; [lra|discriminate].
  - destruct (Z.leb_spec 0 w) as [L|]; [|discriminate].
    destruct (flat p on X mu) as [r'|] eqn:F; [|discriminate]. inversion E; subst r; clear E.
    destruct (IH mu r' F q (fun x i => H x (or_intror i))) as [I1 I2]. specialize (H z (or_introl eq_refl)).
    cbn [existsb]. rewrite dot_linrow, mult_IZR. rewrite <- dotZ_dot in H.
    set (k := if on z then (- Z.sgn (dotZ z p))%Z else Z.sgn (dotZ z p)).
    assert (K : IZR k * dot z q > 0).
    { unfold k. destruct (Z.lt_trichotomy (dotZ z p) 0) as [Ls|[Ls|Ls]].
      - rewrite Z.sgn_neg by lia. apply IZR_lt in Ls.
        destruct (on z); [replace (IZR (- (-1))) with 1 by reflexivity|replace (IZR (-1)) with (-1) by reflexivity]; nra.
      - rewrite Ls in H. destruct (on z); lra.
      - rewrite Z.sgn_pos by lia. apply IZR_lt in Ls.
        destruct (on z); [replace (IZR (- (1))) with (-1) by reflexivity|]; nra. }
    apply IZR_le in L as L'. split.
    + nra.
    + intros B. apply orb_prop in B as [B|B].
      * apply Z.ltb_lt, IZR_lt in B. nra.
      * specialize (I2 B). nra.
Qed.

Lemma zero_opt_dot : forall r, zero_opt r = true -> exists r', r = Some r' /\ forall u, dot r' u = 0.
Proof. intros [r|] H; [|discriminate]. exists r. split; auto. intros; apply dot_zerob; auto. Qed.

Lemma in_seq0 : forall n k, (k < n)%nat -> In k (seq 0 n).
Proof. intros. apply in_seq. lia. Qed.

Lemma zerob_dot : forall z, zerob z = true -> forall u, dot z u = 0.
Proof. intros z H u; apply dot_zerob; auto. Qed.

Lemma in_nz : forall X z, In z X -> In z (nz X) \/ forall u, dot z u = 0.
Proof.
  intros X z I. destruct (zerob z) eqn:E; [right; apply zerob_dot; auto|left].
  apply filter_In. split; auto. rewrite E. reflexivity.
Qed.
Lemma nz_in : forall X z, In z (nz X) -> In z X.
Proof. intros X z I. apply filter_In in I. tauto. Qed.

Lemma dot_ext_len : forall x d u v, (length x <= d)%nat -> (forall i, (i < d)%nat -> u i = v i) -> dot x u = dot x v.
Proof.
  induction x as [|a x IH]; intros d u v L E; simpl in *; [reflexivity|].
  destruct d as [|d]; [lia|]. rewrite (E O) by lia. f_equal. apply (IH d); [lia|]. intros i Hi. apply E. lia.
Qed.

Lemma l1_bound : forall r d u rho, (length r <= d)%nat -> (forall i, (i < d)%nat -> Rabs (u i) <= rho) ->
  dot r u <= rho * IZR (l1 r).
Proof.
  unfold l1. induction r as [|v r IH]; intros d u rho L H; cbn [dot fold_right length] in *; [lra|].
  destruct d as [|d]; [lia|]. rewrite plus_IZR, abs_IZR.
  specialize (IH d (fun i => u (S i)) rho ltac:(lia) (fun i Hi => H (S i) ltac:(lia))).
  specialize (H O ltac:(lia)).
  assert (IZR v * u O <= Rabs (IZR v) * rho); [|lra].
  eapply Rle_trans; [apply Rle_abs|]. rewrite Rabs_mult. apply Rmult_le_compat_l; auto. apply Rabs_pos.
Qed.

Lemma sqerr_ext : forall F G X y, (forall x, In x X -> F x = G x) -> sqerr F X y = sqerr G X y.
Proof.
  intros F G. induction X as [|x X IH]; intros [|v y] H; simpl; auto.
  rewrite H, IH; simpl; auto. intros; apply H; simpl; auto.
Qed.

Lemma loss_ext : forall X y m W a W' a', (forall x j, In x X -> (j < m)%nat -> dot x (W j) = dot x (W' j)) ->
  (forall j, (j < m)%nat -> a j = a' j) -> loss X y m W a = loss X y m W' a'.
Proof.
  intros X y m W a W' a' HW Ha. unfold loss. f_equal. apply sqerr_ext. intros x Ix. unfold net.
  apply sumlt_ext. intros j Hj. rewrite HW, Ha; auto.
Qed.

Lemma loss_bij : forall X y m f g W a, Bij m f g ->
  loss X y m (fun j => W (f j)) (fun j => a (f j)) = loss X y m W a.
Proof.
  intros X y m f g W a B. unfold loss. f_equal. apply sqerr_ext. intros x _. unfold net.
  apply (sumlt_bij m f g (fun j => a j * Rmax 0 (dot x (W j)))). auto.
Qed.

(* ---- frames ---- *)

Fixpoint squares (L : list (row * row)) (u : rvec) : R :=
  match L with [] => 0 | lm :: L => dot (fst lm) u * dot (fst lm) u + squares L u end.
Definition len (F : frame) (u : rvec) : R := sqrt (squares (fr_rows F) u) / IZR (fr_size F).

Lemma squares_pos : forall L u, 0 <= squares L u.
Proof. induction L as [|lm L IH]; intros u; simpl; [lra|]. specialize (IH u). nra. Qed.

Lemma dot_axis : forall i u, dot (axis i) u = u i.
Proof.
  induction i as [|i IH]; intros u; unfold axis in *; cbn [repeat app dot]; [ring|]. rewrite IH. ring.
Qed.

(* r . u = sum (m . r) (l . u) / fr_unit *)
Lemma frame_dot : forall d F r u, (length r <= d)%nat -> forallb (fun lm : row * row => Nat.leb (length (snd lm)) d) (fr_rows F) = true ->
  forallb (fun i => zerob (lin (- fr_unit F) (axis i) 1 (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)))) (seq 0 d) = true ->
  dot (span (map (fun lm : row * row => dotZ (snd lm) r) (fr_rows F)) (fr_rows F)) u = IZR (fr_unit F) * dot r u.
Proof.
  intros d F r u Lr HM HI. rewrite forallb_forall in HI. rewrite (dot_sumlt r d u Lr), <- sumlt_scale.
  rewrite (sumlt_ext d _ (fun i => vec r i * dot (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)) u)).
  - clear HI. induction (fr_rows F) as [|lm L IH]; cbn [map span forallb] in *.
    + simpl. rewrite (sumlt_ext d _ (fun _ => 0 * 0)), sumlt_scale by (intros; ring). ring.
    + apply andb_prop in HM as [H1 H2]. apply Nat.leb_le in H1. rewrite dot_linrow, IH by auto.
      rewrite (sumlt_ext d (fun i => vec r i * dot (lin (nth i (snd lm) 0%Z) (fst lm) 1 (span (map (fun lm : row * row => nth i (snd lm) 0%Z) L) L)) u)
        (fun i => dot (fst lm) u * (vec (snd lm) i * vec r i) + vec r i * dot (span (map (fun lm : row * row => nth i (snd lm) 0%Z) L) L) u)).
      * rewrite sumlt_plus, sumlt_scale, dotZ_dot, (dot_sumlt (snd lm) d) by auto. ring.
      * intros i Hi. rewrite dot_linrow. unfold vec. ring.
  - intros i Hi. specialize (HI i (in_seq0 _ _ Hi)). apply zerob_dot with (u := u) in HI. rewrite dot_linrow, dot_axis, opp_IZR in HI.
    assert (E : dot (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)) u = IZR (fr_unit F) * u i) by lra. rewrite E. ring.
Qed.

Lemma frame_bound : forall d F r q v k, (0 < fr_unit F)%Z -> (0 < fr_size F)%Z ->
  forallb (fun lm : row * row => Nat.leb (length (snd lm)) d) (fr_rows F) = true ->
  forallb (fun i => zerob (lin (- fr_unit F) (axis i) 1 (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)))) (seq 0 d) = true ->
  0 <= k -> IZR q = k * k -> in_frame d F r q = true -> dot r v <= k * len F v.
Proof.
  intros d F r q v k Ht Hs HM HI Hk Eq H. unfold in_frame in H. apply andb_prop in H as [H1 H2]. apply Nat.leb_le in H1.
  set (cs := map (fun lm : row * row => dotZ (snd lm) r) (fr_rows F)) in *.
  pose proof (frame_dot d F r v H1 HM HI) as H3. clear H1. rename H3 into H1. fold cs in H1. apply IZR_lt in Ht, Hs.
  apply Z.leb_le, IZR_le in H2. rewrite !mult_IZR, Eq in H2.
  assert (C : dot (span cs (fr_rows F)) v * dot (span cs (fr_rows F)) v <= IZR (dotZ cs cs) * squares (fr_rows F) v /\ 0 <= IZR (dotZ cs cs)).
  { unfold cs. clear. induction (fr_rows F) as [|lm L [IH P]]; cbn [map span dotZ squares]; [simpl; lra|].
    rewrite dot_linrow, plus_IZR, mult_IZR. set (cs := map (fun lm : row * row => dotZ (snd lm) r) L) in *. set (c := IZR (dotZ (snd lm) r)). set (e := dot (fst lm) v).
    set (w := dot (span cs L) v) in *. pose proof (squares_pos L v) as S. set (g := squares L v) in *.
    set (n := IZR (dotZ cs cs)) in *. split; [|nra].
    (* (c e + w)^2 <= (c^2 + n) (e^2 + g) where w^2 <= n g *)
    assert (K : 2 * (c * e) * w <= c * c * g + n * (e * e)); [|lra].
    apply Rnot_lt_le. intros N. assert (Q : 4 * ((c * e) * (c * e)) * (w * w) <= 4 * ((c * e) * (c * e)) * (n * g)) by (apply Rmult_le_compat_l; nra).
    assert (M : 0 <= c * c * g + n * (e * e)) by (apply Rplus_le_le_0_compat; apply Rmult_le_pos; nra).
    assert (D : (c * c * g + n * (e * e)) * (c * c * g + n * (e * e)) < 2 * (c * e) * w * (2 * (c * e) * w)) by nra.
    pose proof (Rle_0_sqr (c * c * g - n * (e * e))) as Z. unfold Rsqr in Z. lra. }
  destruct C as [C P]. set (w := dot (span cs (fr_rows F)) v) in *. set (n := IZR (dotZ cs cs)) in *. set (t := IZR (fr_unit F)) in *.
  unfold len. pose proof (squares_pos (fr_rows F) v) as S. set (S2 := squares (fr_rows F) v) in *. set (z := IZR (fr_size F)) in *.
  pose proof (sqrt_sqrt _ S) as E. pose proof (sqrt_pos S2) as R0. set (x := sqrt S2) in *.
  assert (W : w = t * dot r v) by lra. set (g := dot r v) in *.
  (* (z t g)^2 = z^2 w^2 <= z^2 n x^2 <= (t k x)^2 *)
  apply Rmult_le_reg_l with (z * t); [nra|]. replace (z * t * (k * (x / z))) with (t * k * x) by (field; lra).
  apply Rnot_lt_le. intros N. assert (0 <= t * k * x) by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|auto]).
  assert (A : t * k * x * (t * k * x) < z * t * g * (z * t * g)) by nra.
  assert (B : z * z * (w * w) <= z * z * (n * S2)) by (apply Rmult_le_compat_l; nra).
  assert (G : z * z * n * S2 <= t * t * (k * k) * S2) by (apply Rmult_le_compat_r; auto).
  rewrite W, <- E in *. lra.
Qed.

(* what a frame sees of columns with a bound of their spectral norm *)
Lemma frame_columns : forall m d F V r, (0 < fr_size F)%Z -> forallb (fun lm : row * row => Nat.leb (length (fst lm)) d) (fr_rows F) = true ->
  (fold_right (fun lm t => dotZ (fst lm) (fst lm) + t) 0 (fr_rows F) <= fr_size F * fr_size F)%Z -> spectral m d V r ->
  sumlt m (fun j => len F (V j) * len F (V j)) <= r * r.
Proof.
  intros m d F V r Hs HL HT S. apply IZR_lt in Hs. apply IZR_le in HT. rewrite mult_IZR in HT.
  set (T := IZR (fold_right (fun lm t => dotZ (fst lm) (fst lm) + t)%Z 0%Z (fr_rows F))) in *.
  assert (Q : sumlt m (fun j => squares (fr_rows F) (V j)) <= r * r * T).
  { unfold T. clear HT T. induction (fr_rows F) as [|[l k] L IH]; cbn [squares fold_right forallb fst] in *.
    - rewrite (sumlt_ext m _ (fun _ => 0 * 0)), sumlt_scale; [lra|]. intros; ring.
    - apply andb_prop in HL as [H1 H2]. apply Nat.leb_le in H1. specialize (IH H2). rewrite sumlt_plus, plus_IZR.
      pose proof (spectral_row m d V r (vec l) S) as R. rewrite dotZ_dot, (dot_sumlt l d) by auto.
      rewrite (sumlt_ext m (fun j => dot l (V j) * dot l (V j)) (fun j => sumlt d (fun i => vec l i * V j i) * sumlt d (fun i => vec l i * V j i))); [lra|].
      intros j Hj. rewrite (dot_sumlt l d) by auto. reflexivity. }
  rewrite (sumlt_ext m _ (fun j => / (IZR (fr_size F) * IZR (fr_size F)) * squares (fr_rows F) (V j))).
  2:{ intros j Hj. unfold len. rewrite <- (sqrt_sqrt (squares (fr_rows F) (V j))) at 3 by apply squares_pos. field. lra. }
  rewrite sumlt_scale. apply Rmult_le_reg_l with (IZR (fr_size F) * IZR (fr_size F)); [nra|].
  rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by nra. eapply Rle_trans; [exact Q|]. nra.
Qed.

Lemma len_pos : forall F u, (0 < fr_size F)%Z -> 0 <= len F u.
Proof. intros F u H. apply IZR_lt in H. apply Rmult_le_pos; [apply sqrt_pos|]. left. apply Rinv_0_lt_compat; auto. Qed.

Lemma len_scale : forall d F k u v, forallb (fun lm : row * row => Nat.leb (length (fst lm)) d) (fr_rows F) = true ->
  (forall i, (i < d)%nat -> u i = k * v i) -> len F u = Rabs k * len F v.
Proof.
  intros d F k u v HL E. unfold len, Rdiv. rewrite <- Rmult_assoc. f_equal.
  rewrite <- (sqrt_Rsqr_abs k), <- sqrt_mult; [|apply Rle_0_sqr|apply squares_pos]. f_equal.
  induction (fr_rows F) as [|[l m] L IH]; cbn [squares forallb fst] in *; [ring|]. apply andb_prop in HL as [H1 H2]. apply Nat.leb_le in H1.
  rewrite IH by auto. rewrite (dot_ext_len l d u (fun i => k * v i)), dot_scale by auto. unfold Rsqr. ring.
Qed.

(* ---- what neurons of a ball have of its radius, and what they come to together ---- *)

Lemma norm_uvec : forall d W a j, norm d (uvec W a j) = norm d (fun i => a j * W j i).
Proof.
  intros d W a j. apply Rle_antisym; apply norm_le; intros i Hi; unfold uvec; rewrite !Rabs_mult, Rabs_Rabsolu; lra.
Qed.

Lemma uvec_turned : forall W a j i, uvec W a j i = (if Rle_dec 0 (a j) then 1 else -1) * (a j * W j i).
Proof. intros W a j i. unfold uvec. destruct (Rle_dec 0 (a j)); [rewrite Rabs_right|rewrite Rabs_left]; lra. Qed.

Section Shares.
Variable m d : nat.
Variable ball : balls.
Variable F : frame.
Let rho := IZR (rn ball) / IZR (rd ball).

(* r bounds a neuron's largest entry or norm *)
Definition within (u : rvec) (r : R) : Prop :=
  match ball with
  | Free => r = 0
  | Entrywise _ _ => forall i, (i < d)%nat -> Rabs (u i) <= r
  | Columns _ _ | Frobenius _ _ => norm d u <= r
  | Spectral _ _ | Summing _ _ => len F u <= r
  end.

(* what a bound f_h says *)
Definition height (h : Z) : R := match ball with Spectral _ _ => sqrt (IZR h) | _ => IZR h end.

(* what a neuron has of the radius *)
Definition share W a i : R := match ball with
  | Frobenius _ _ => norm d (uvec W a i)
  | Spectral _ _ | Summing _ _ => len F (uvec W a i)
  | _ => rho
  end.

(* heights of the first k neurons that come to t together *)
Definition come (k : nat) (g : nat -> Z) (t : Z) : Prop :=
  match ball with Spectral _ _ => forall i, (i < k)%nat -> (0 <= g i)%Z | _ => True end /\
  if shared ball then (0 <= t)%Z /\ forall i, (i < k)%nat -> (g i <= t)%Z else IZR t = sumlt k (fun i => IZR (g i)).

Hypothesis Framed : check_frame d ball F = true.

Lemma short_sound : forall r den h v ro, short d ball F r den h = true -> (0 < den)%Z -> within v ro -> 0 <= ro ->
  dot r v <= IZR den * (ro * height h).
Proof.
  intros r den h v ro H Hd Hb Hro. pose proof Framed as DF. apply IZR_lt in Hd.
  assert (L2 : forall k, norm d v <= ro -> (Nat.leb (length r) d && Z.leb 0 k && Z.leb (dotZ r r) (k * k))%bool = true ->
    dot r v <= ro * IZR k).
  { intros k Hn H7. rewrite !andb_true_iff in H7. destruct H7 as [[L1 L2] L3]. apply Nat.leb_le in L1. apply Z.leb_le in L2, L3.
    eapply Rle_trans; [apply (dot_norm r d v k); auto|]. apply IZR_le in L2. nra. }
  assert (Lf : match ball with Spectral _ _ | Summing _ _ => True | _ => False end -> forall k, len F v <= ro ->
    0 <= k -> forall q, IZR q = k * k -> in_frame d F r q = true -> dot r v <= ro * k).
  { intros Sp k Hn Hk q Eq H7. unfold check_frame in DF. assert (DF' : (0 < fr_unit F)%Z /\ (0 < fr_size F)%Z /\
      forallb (fun lm : row * row => Nat.leb (length (snd lm)) d) (fr_rows F) = true /\
      forallb (fun i => zerob (lin (- fr_unit F) (axis i) 1 (span (map (fun lm : row * row => nth i (snd lm) 0%Z) (fr_rows F)) (fr_rows F)))) (seq 0 d) = true).
    { destruct ball; try contradiction; rewrite !andb_true_iff, !Z.ltb_lt in DF; tauto. }
    destruct DF' as (F1 & F2 & F3 & F4). eapply Rle_trans; [apply (frame_bound d F r q v k); auto|].
    rewrite Rmult_comm. apply Rmult_le_compat_r; auto. }
  clear DF. unfold short, within, height in *. destruct ball as [|p q|p q|p q|p q|p q].
  - rewrite (dot_zerob r v H), Hb. lra.
  - apply andb_prop in H as [L1 L3]. apply Nat.leb_le in L1. apply Z.leb_le, IZR_le in L3. rewrite mult_IZR in L3.
    eapply Rle_trans; [apply (l1_bound r d v ro L1 Hb)|]. nra.
  - specialize (L2 _ Hb H). rewrite mult_IZR in L2. lra.
  - specialize (L2 _ Hb H). rewrite mult_IZR in L2. lra.
  - apply andb_prop in H as [L1 L3]. apply Z.leb_le, IZR_le in L1.
    replace (IZR den * (ro * sqrt (IZR h))) with (ro * (IZR den * sqrt (IZR h))) by ring.
    apply (Lf I _ Hb) with (q := (den * (den * h))%Z); auto.
    + apply Rmult_le_pos; [lra|apply sqrt_pos].
    + rewrite !mult_IZR. pose proof (sqrt_sqrt _ L1) as E. rewrite <- E at 1. ring.
  - apply andb_prop in H as [L1 L3]. apply Z.leb_le, IZR_le in L1. rewrite mult_IZR in L1.
    replace (IZR den * (ro * IZR h)) with (ro * (IZR den * IZR h)) by ring.
    apply (Lf I _ Hb) with (q := (den * h * (den * h))%Z); auto.
    rewrite !mult_IZR. ring.
Qed.

Hypothesis Radius : 0 < IZR (rd ball) /\ 0 <= rho.

Lemma share_within : forall W a i, in_ball m d ball W a -> (i < m)%nat -> within (uvec W a i) (share W a i) /\ 0 <= share W a i.
Proof.
  intros W a i Hb Hi. unfold share, within. pose proof (norm_pos d (uvec W a i)). destruct Radius as [_ rp].
  pose proof Framed as Fr. unfold check_frame in Fr.
  unfold in_ball in Hb. unfold rho, rn, rd in *. destruct ball as [|p q|p q|p q|p q|p q]; simpl in *; split; auto; try lra.
  - intros i' Hi'. unfold uvec. rewrite Rabs_mult, Rabs_Rabsolu, <- Rabs_mult. auto.
  - rewrite norm_uvec. auto.
  - rewrite !andb_true_iff, !Z.ltb_lt in Fr. apply len_pos. tauto.
  - rewrite !andb_true_iff, !Z.ltb_lt in Fr. apply len_pos. tauto.
Qed.

(* lengths of the neurons in a frame, where all together have a spectral norm *)
Lemma frame_within : forall V r e W a, match ball with Spectral _ _ | Summing _ _ => True | _ => False end ->
  spectral m d V r -> 0 <= r -> (forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = e j * V j i) ->
  norm m (fun j => len F (V j)) <= r /\ forall j, (j < m)%nat -> len F (uvec W a j) = Rabs (e j) * len F (V j).
Proof.
  intros V r e W a Sp S r0 E. pose proof Framed as Fr.
  assert (Fr' : (0 < fr_size F)%Z /\ forallb (fun lm : row * row => Nat.leb (length (fst lm)) d) (fr_rows F) = true /\
    (fold_right (fun lm t => dotZ (fst lm) (fst lm) + t) 0 (fr_rows F) <= fr_size F * fr_size F)%Z).
  { unfold check_frame in Fr. destruct ball; try contradiction; rewrite !andb_true_iff, !Z.ltb_lt, Z.leb_le in Fr; tauto. }
  destruct Fr' as (F2 & F3 & F4). split.
  - apply norm_least; auto. apply (frame_columns m d F V r F2 F3 F4 S).
  - intros j Hj. pose proof (len_scale d F (e j * (if Rle_dec 0 (a j) then 1 else -1)) (uvec W a j) (V j) F3) as L.
    rewrite L.
    + rewrite Rabs_mult. destruct (Rle_dec 0 (a j)); [rewrite Rabs_R1|rewrite (Rabs_left (-1)) by lra]; ring.
    + intros i Hi. rewrite uvec_turned, E by auto. ring.
Qed.

(* neurons in the ball cannot come to more than the radius times what is listed *)
Lemma gathered : forall W a g t s, in_ball m d ball W a -> come m g t -> (t <= s)%Z ->
  sumlt m (fun i => share W a i * height (g i)) <= rho * IZR (limit ball s).
Proof.
  intros W a g t s Hb [Hn Hg] Ht. pose proof Ht as Ht'. apply IZR_le in Ht. destruct Radius as [rdp rp].
  pose proof (fun i Hi => proj2 (share_within W a i Hb Hi)) as Hp.
  pose proof (fun V r e => frame_within V r e W a) as Fw.
  assert (Own : forall h, sumlt m (fun i => rho * h i) = rho * sumlt m h) by (intros; apply sumlt_scale).
  assert (Sh : (0 <= t)%Z /\ (forall i, (i < m)%nat -> (g i <= t)%Z) -> sumlt m (share W a) <= rho ->
    sumlt m (fun i => share W a i * IZR (g i)) <= rho * IZR (s)).
  { intros [T0 Tg] Hs. apply IZR_le in T0. apply Rle_trans with (sumlt m (fun i => IZR t * share W a i)).
    - apply sumlt_le. intros i Hi. specialize (Tg i Hi). apply IZR_le in Tg. specialize (Hp i Hi). rewrite Rmult_comm. apply Rmult_le_compat_r; auto.
    - rewrite sumlt_scale. eapply Rle_trans; [apply Rmult_le_compat_l; [exact T0|exact Hs]|]. rewrite Rmult_comm. apply Rmult_le_compat_l; auto. }
  unfold limit, height, share, shared, in_ball in *. destruct ball as [|p q|p q|p q|p q|p q]; cbv beta iota in *;
    try (rewrite Own, <- Hg; apply Rmult_le_compat_l; auto).
  - apply (Sh Hg). rewrite (sumlt_ext m _ (fun j => norm d (fun i => a j * W j i))); auto. intros j Hj. apply norm_uvec.
  - assert (E1 : forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = 1 * (a j * W j i)) by (intros; ring).
    destruct (Fw _ _ (fun _ => 1) I Hb rp E1) as [Q1 Q2].
    eapply Rle_trans; [apply (inner_le m (fun i => len F (uvec W a i)) (fun i => sqrt (IZR (g i))))|].
    apply Rmult_le_compat; try apply norm_pos.
    + rewrite (norm_ext m _ (fun j => len F (fun i => a j * W j i))); auto.
      intros j Hj. rewrite Q2, Rabs_R1 by auto. ring.
    + assert (T0 : (0 <= t)%Z).
      { apply le_IZR. rewrite Hg. clear -Hn. induction m as [|k IH]; simpl; [lra|].
        pose proof (IZR_le _ _ (Hn k (Nat.lt_succ_diag_r k))). assert (0 <= sumlt k (fun i => IZR (g i))) by (apply IH; intros; apply Hn; lia). lra. }
      assert (U0 : (0 <= Z.sqrt_up (s))%Z) by apply Z.sqrt_up_nonneg.
      assert (U1 : (s <= Z.sqrt_up (s) * Z.sqrt_up (s))%Z) by (apply Z.sqrt_sqrt_up_spec; lia).
      apply IZR_le in U0, U1. rewrite mult_IZR in U1. apply norm_least; auto.
      rewrite (sumlt_ext m _ (fun i => IZR (g i))), <- Hg; [lra|]. intros i Hi. apply sqrt_sqrt. apply IZR_le. auto.
  - destruct Hb as (V & b' & E & N & S). destruct (Fw V _ b' I S rp E) as [Q1 Q2]. apply (Sh Hg).
    rewrite (sumlt_ext m _ (fun j => Rabs (b' j) * len F (V j))) by auto.
    eapply Rle_trans; [apply (inner_le m (fun j => Rabs (b' j)) (fun j => len F (V j)))|].
    assert (N' : norm m (fun j => Rabs (b' j)) <= 1).
    { eapply Rle_trans; [|exact N]. apply norm_le. intros j Hj. rewrite Rabs_Rabsolu. lra. }
    apply Rle_trans with (1 * norm m (fun j => len F (V j))); [|rewrite Rmult_1_l; exact Q1].
    apply Rmult_le_compat_r; auto. apply norm_pos.
Qed.
End Shares.

Section Sound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.
Variable C : cert.
Hypothesis OK : check X y m d lab ball bn bd strict C = true.

Let b := IZR bn / IZR bd.
Let rho := IZR (rn ball) / IZR (rd ball).
Let P i := vec (pat C i).
Let cellmap := buckets (map (fun e => map code (states e)) (entries C)).
Let dualmap := index 1 (duals C).
Definition below (v : R) : Prop := if strict then v <= b else v < b.
Let low W a := in_ball m d ball W a /\ below (loss X y m W a).

Lemma ok_all : check_rows X y d ball bd C = true /\ (forall q, In q (patterns C) -> check_pattern X C q = true) /\
  (forall u, In u (duals C) -> check_dual X y d ball bn bd strict C u = true) /\
  (forall e, In e (entries C) -> check_entry m lab ball C cellmap dualmap e = true).
Proof.
  pose proof OK as H. unfold check, check_shared, check_entries in H.
  rewrite !andb_true_iff, !forallb_forall in H. tauto.
Qed.
Lemma ok_rows : check_rows X y d ball bd C = true.
Proof. apply ok_all. Qed.
Lemma ok_pattern : forall q, In q (patterns C) -> check_pattern X C q = true.
Proof. apply ok_all. Qed.
Lemma ok_dual : forall u, In u (duals C) -> check_dual X y d ball bn bd strict C u = true.
Proof. apply ok_all. Qed.
Lemma ok_entry : forall e, In e (entries C) -> check_entry m lab ball C cellmap dualmap e = true.
Proof. apply ok_all. Qed.

Lemma pos_rho : 0 < IZR (rd ball) /\ 0 <= rho.
Proof.
  pose proof ok_rows as R. unfold check_rows in R. rewrite !andb_true_iff in R.
  destruct R as [[[[[[[[_ R1] R2] _] _] _] _] _] _].
  apply Z.leb_le, IZR_le in R1. apply Z.ltb_lt, IZR_lt in R2. split; auto.
  unfold rho. apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
Qed.

Lemma pat_generic : forall i x, (i < length (patterns C))%nat -> In x (nz X) -> dotZ x (pat C i) <> 0%Z.
Proof.
  intros i x Hi Ix. assert (I : In (nth i (patterns C) (Pat [] [])) (patterns C)) by (apply nth_In; auto).
  apply ok_pattern in I. unfold check_pattern in I. apply andb_prop in I as [H _]. rewrite forallb_forall in H.
  specialize (H x Ix). apply negb_true_iff, Z.eqb_neq in H. auto.
Qed.

Lemma weight_fact : forall u s w h, In u (duals C) -> weight u s w = Some h ->
  exists f, f_h f = h /\ f_s f = fst s /\ f_i f = snd s /\ check_fact X d ball C (d_nu u) (d_frame u) f = true /\
    match f_wall f with None => True | Some n => w = Some n end.
Proof.
  intros u s w h Iu Hf. unfold weight in Hf. destruct (find _ (nth (snd s) (d_facts u) [])) as [f|] eqn:Ef; [|discriminate].
  inversion Hf; subst h; clear Hf. apply find_some in Ef as [If Hf]. exists f.
  rewrite !andb_true_iff in Hf. destruct Hf as [[H H1] H0]. apply eqb_prop in H. apply Nat.eqb_eq in H1.
  split; auto. split; auto. split; auto. split.
  - pose proof (ok_dual u Iu) as D. unfold check_dual in D. rewrite !andb_true_iff in D. destruct D as [_ D].
    assert (Il : In (nth (snd s) (d_facts u) []) (d_facts u)).
    { destruct (nth_in_or_default (snd s) (d_facts u) []) as [I|E]; auto. rewrite E in If. destruct If. }
    rewrite forallb_forall in D. specialize (D _ Il). rewrite forallb_forall in D. auto.
  - destruct (f_wall f) as [n|]; auto. destruct w as [n'|]; [|discriminate]. apply Nat.eqb_eq in H0. congruence.
Qed.

Lemma frame_ok : forall u, In u (duals C) -> check_frame d ball (d_frame u) = true.
Proof. intros u Iu. pose proof (ok_dual u Iu) as D. unfold check_dual in D. rewrite !andb_true_iff in D. tauto. Qed.

Lemma weight_pos : forall u s w h, In u (duals C) -> weight u s w = Some h -> match ball with Spectral _ _ => (0 <= h)%Z | _ => True end.
Proof.
  intros u s w h Iu H. destruct (weight_fact u s w h Iu H) as (f & <- & _ & _ & Hc & _). unfold check_fact in Hc.
  destruct ball; auto. apply andb_prop in Hc as [_ Hc]. destruct (farkas _ _ _ _ _ _); [|discriminate].
  unfold short in Hc. apply andb_prop in Hc as [Hc _]. apply Z.leb_le. auto.
Qed.

Lemma weight_sound : forall u s w h, In u (duals C) -> weight u s w = Some h ->
  forall v r, within d ball (d_frame u) v r -> 0 <= r -> (forall z, In z (nz X) -> dot z (P (snd s)) * dot z v >= 0) ->
    match w with Some n => dot (wall C n) v = 0 | None => True end ->
    sgn (fst s) * wsum (d_nu u) (relu_at v) X <= r * height ball h.
Proof.
  intros u s w h Iu Hf v ro Hb Hro Hv Hw. pose proof (frame_ok u Iu) as DF.
  destruct (weight_fact u s w h Iu Hf) as (f & <- & H & H1 & H3 & H0). clear Hf. unfold check_fact in H3. apply andb_prop in H3 as [H3 H6].
  apply andb_prop in H3 as [H3 Hd']. apply Z.ltb_lt in Hd'. pose proof (IZR_lt _ _ Hd') as Hd.
  apply Nat.ltb_lt in H3. destruct (farkas _ _ _ _ _ _) as [r|] eqn:Er; [|discriminate].
  pose proof (farkas_sound _ _ _ _ _ _ _ Er v) as FS. rewrite H, wsum_map in FS.
  assert (R : dot r v <= IZR (f_den f) * (ro * height ball (f_h f))) by exact (short_sound d ball (d_frame u) DF _ _ _ _ _ H6 Hd' Hb Hro).
  unfold sgn. replace (if fst s then 1 else -1) with (IZR (if fst s then 1 else -1)) by (destruct (fst s); reflexivity).
  apply Rmult_le_reg_l with (IZR (f_den f)); auto.
  rewrite <- Rmult_assoc, (Rmult_comm (IZR (f_den f))), Rmult_assoc.
  eapply Rle_trans; [apply FS|exact R]. intros z Iz. rewrite H1. split; [|split].
  - destruct (in_nz X z Iz) as [Nz|Z0]; [left; rewrite <- H1; apply pat_generic; auto|right; auto].
  - destruct (in_nz X z Iz) as [Nz|Z0]; [apply Hv; auto|rewrite !Z0; lra].
  - intros Fr. unfold on_wall in Fr. destruct (f_wall f) as [n|]; [|discriminate].
    subst w. destruct (parb_sound _ _ Fr) as (c & _ & Hc). rewrite Hc, Hw. ring.
Qed.

Definition face_holds W a j face : Prop :=
  match face with Some n => dot (wall C n) (uvec W a j) = 0 | None => forall x, In x (nz X) -> dot x (uvec W a j) = 0 end.

Lemma total_sound : forall u c j face W a, In u (duals C) -> in_ball m d ball W a ->
  in_cell (nz X) P m W a c -> ((j < m)%nat -> face_holds W a j face) ->
  forall k t, (k <= m)%nat -> total ball u c j face k = Some t -> exists g, come ball k g t /\
    forall i, (i < k)%nat -> wsum (d_nu u) (fun x => a i * Rmax 0 (dot x (W i))) X <= share d ball (d_frame u) W a i * height ball (g i).
Proof.
  intros u c j face W a Iu Hb Hc Hface. induction k as [|k IH]; intros t Hk E; cbn [total] in E.
  - inversion E. exists (fun _ => 0%Z). unfold come. split; [|intros; lia].
    split; [destruct ball; auto; intros; lia|]. destruct (shared ball); simpl; auto. split; [lia|intros; lia].
  - destruct (total ball u c j face k) as [t'|] eqn:Et; [|discriminate].
    destruct (IH t') as (g & [Hn Hg] & Hh); [lia|auto|]. assert (Hkm : (k < m)%nat) by lia.
    destruct (share_within m d ball (d_frame u) (frame_ok u Iu) pos_rho W a k Hb Hkm) as [Bx Hp].
    destruct (if Nat.eqb k j then _ else _) as [h'|] eqn:Eh; [|discriminate]. inversion E; subst t; clear E.
    assert (Pos : match ball with Spectral _ _ => (0 <= h')%Z | _ => True end).
    { destruct (Nat.eqb k j); [destruct face as [n|]; [|inversion Eh; destruct ball; auto; lia]|];
        eapply weight_pos; eauto. }
    exists (fun i => if Nat.eqb i k then h' else g i). split.
    + unfold come, together in *. split.
      * destruct ball; auto. intros i Hi. destruct (Nat.eqb_spec i k); auto. apply Hn. lia.
      * destruct (shared ball).
        -- destruct Hg as [G1 G2]. split; [lia|]. intros i Hi. destruct (Nat.eqb_spec i k); [lia|]. specialize (G2 i ltac:(lia)). lia.
        -- cbn [sumlt]. rewrite Nat.eqb_refl, plus_IZR, Hg. rewrite (sumlt_ext k (fun i => IZR (if Nat.eqb i k then h' else g i)) (fun i => IZR (g i))); [ring|].
           intros i Hi. destruct (Nat.eqb_spec i k); auto; lia.
    + intros i Hi. destruct (Nat.eqb_spec i k) as [Ei|Ne]; [rewrite Ei|apply Hh; lia].
      destruct (Hc k Hkm) as [Hsg Hx].
      rewrite (wsum_ext _ _ (fun x => sgn (fst (st c k)) * relu_at (uvec W a k) x)).
      2:{ intros x. unfold relu_at. rewrite dot_u. apply scale_relu; auto. }
      rewrite wsum_scale.
      destruct (Nat.eqb_spec k j) as [Ej|Nj].
      * assert (Hjm : (j < m)%nat) by lia. specialize (Hface Hjm). unfold face_holds in Hface. destruct face as [n|].
        -- apply (weight_sound u (st c k) (Some n) h'); auto. rewrite Ej. auto.
        -- inversion Eh; subst h'.
           assert (Z0 : wsum (d_nu u) (relu_at (uvec W a k)) X = 0).
           { assert (Hf : forall x, In x X -> dot x (uvec W a k) = 0).
             { intros x Ix. destruct (in_nz X x Ix) as [Nz|Z0]; auto. rewrite Ej. auto. }
             clear -Hf. revert X Hf. induction (d_nu u) as [|v nu IH]; intros [|z X] H; simpl; auto.
             rewrite IH; [|intros; apply H; right; auto]. unfold relu_at. rewrite H; [|left; auto].
             rewrite Rmax_left; [ring|lra]. }
           rewrite Z0. unfold height. destruct ball; rewrite ?sqrt_0; lra.
      * apply (weight_sound u (st c k) None h'); auto.
Qed.

Lemma above_sound : forall u c j face, In u (duals C) -> above m ball u c j face = true ->
  forall W a, in_cell (nz X) P m W a c -> ((j < m)%nat -> face_holds W a j face) -> ~ low W a.
Proof.
  intros u c j face Iu Ha W a Hc Hface [Hb Hl].
  assert (Goal : if strict then loss X y m W a > b else loss X y m W a >= b).
  2:{ unfold below in Hl. destruct strict; lra. }
  clear Hl.
  unfold above in Ha. destruct (total ball u c j face m) as [t|] eqn:Et; [|discriminate].
  destruct (total_sound u c j face W a Iu Hb Hc Hface m t (le_n m) Et) as (g0 & Hg & Hh).
  apply Z.leb_le in Ha. destruct pos_rho as [rdp rp].
  assert (N' : wsum (d_nu u) (net m W a) X <= rho * IZR (limit ball (d_lim u))).
  { eapply Rle_trans; [apply (net_wsum (d_nu u) X W a _ m Hh)|]. apply (gathered m d ball (d_frame u) (frame_ok u Iu) pos_rho W a g0 t); auto. }
  pose proof (ok_dual u Iu) as D. unfold check_dual in D. rewrite !andb_true_iff in D.
  destruct D as [[[[H7 H2] H1] _] _].
  pose proof ok_rows as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
  destruct Rw as [[[[[[[[H3 _] _] H] _] _] _] _] _].
  apply Z.ltb_lt, IZR_lt in H3. apply Nat.eqb_eq in H7. apply Nat.eqb_eq in H.
  apply Z.ltb_lt, IZR_lt in H2.
  assert (H1a : (2 * bn * rd ball * rd ball * dotZ (d_nu u) (d_nu u) <= (rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * (rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * bd)%Z /\
    (strict = true -> (2 * bn * rd ball * rd ball * dotZ (d_nu u) (d_nu u) < (rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * (rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * bd)%Z)).
  { destruct strict; [apply Z.ltb_lt in H1|apply Z.leb_le in H1]; split; auto; try lia; discriminate. }
  clear H1. destruct H1a as [H1 H1s]. apply IZR_le in H1.
  assert (H1s' : strict = true -> IZR (2 * bn * rd ball * rd ball * dotZ (d_nu u) (d_nu u)) < IZR ((rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * (rd ball * dotZ (d_nu u) y - rn ball * limit ball (d_lim u)) * bd)) by (intros; apply IZR_lt; auto).
  clear H1s.
  rewrite !mult_IZR, !minus_IZR, !mult_IZR in H1, H1s'. rewrite minus_IZR, !mult_IZR in H2.
  set (Y := IZR (dotZ (d_nu u) y)) in *. set (q := IZR (dotZ (d_nu u) (d_nu u))) in *.
  set (D := IZR (rd ball)) in *. set (H0 := IZR (limit ball (d_lim u))) in *.
  assert (Er : IZR (rn ball) = rho * D) by (unfold rho; fold D; field; lra). rewrite Er in *.
  set (g := Y - rho * H0) in *.
  assert (G : g > 0). { replace (D * Y - rho * D * H0) with (D * g) in H2 by (unfold g; ring). nra. }
  replace (D * Y - rho * D * H0) with (D * g) in H1, H1s' by (unfold g; ring).
  assert (H1' : 2 * IZR bn * q <= g * g * IZR bd).
  { apply Rmult_le_reg_l with (D * D); [nra|].
    replace (D * D * (2 * IZR bn * q)) with (2 * IZR bn * D * D * q) by ring.
    replace (D * D * (g * g * IZR bd)) with (D * g * (D * g) * IZR bd) by ring. exact H1. }
  assert (H1s2 : strict = true -> 2 * IZR bn * q < g * g * IZR bd).
  { intros Es. specialize (H1s' Es). apply Rmult_lt_reg_l with (D * D); [nra|].
    replace (D * D * (2 * IZR bn * q)) with (2 * IZR bn * D * D * q) by ring.
    replace (D * D * (g * g * IZR bd)) with (D * g * (D * g) * IZR bd) by ring. exact H1s'. }
  clear H1 H2 H1s'. set (ws := wsum (d_nu u) (net m W a) X) in *.
  assert (Q : q > 0).
  { assert (Q0 : q >= 0).
    { unfold q. clear. induction (d_nu u) as [|v nu IH]; simpl; [lra|]. rewrite plus_IZR, mult_IZR. nra. }
    destruct Q0 as [|Q0]; auto. exfalso.
    pose proof (sq_lower ((sqerr (net m W a) X y + 1) / g) (net m W a) X y (d_nu u) H H7) as L'. fold ws Y q in L'.
    rewrite Q0 in L'. set (e := sqerr (net m W a) X y) in *.
    assert (E0 : e >= 0).
    { pose proof (sq_lower 0 (net m W a) X y (d_nu u) H H7) as H8. fold e in H8. lra. }
    assert (E1 : (e + 1) / g > 0) by (apply Rdiv_lt_0_compat; lra).
    assert (E2 : (e + 1) / g * (Y - ws) >= (e + 1) / g * g) by (apply Rmult_ge_compat_l; [lra|unfold g; lra]).
    replace ((e + 1) / g * g) with (e + 1) in E2 by (field; lra). lra. }
  pose proof (sq_lower (g / q) (net m W a) X y (d_nu u) H H7) as L. fold ws Y q in L.
  unfold loss. assert (T : g / q > 0) by (apply Rdiv_lt_0_compat; lra).
  assert (L2 : sqerr (net m W a) X y >= g * g / q).
  { assert (E2 : g / q * (Y - ws) >= g / q * g) by (apply Rmult_ge_compat_l; [lra|unfold g; lra]).
    replace (g * g / q) with (2 * (g / q * g) - g / q * (g / q) * q) by (field; lra). lra. }
  assert (L3 : 2 * b <= g * g / q).
  { unfold b. apply Rmult_le_reg_r with (q * IZR bd); [nra|].
    replace (2 * (IZR bn / IZR bd) * (q * IZR bd)) with (2 * IZR bn * q) by (field; lra).
    replace (g * g / q * (q * IZR bd)) with (g * g * IZR bd) by (field; lra). lra. }
  assert (L4 : strict = true -> 2 * b < g * g / q).
  { intros Es. specialize (H1s2 Es). unfold b. apply Rmult_lt_reg_r with (q * IZR bd); [nra|].
    replace (2 * (IZR bn / IZR bd) * (q * IZR bd)) with (2 * IZR bn * q) by (field; lra).
    replace (g * g / q * (q * IZR bd)) with (g * g * IZR bd) by (field; lra). lra. }
  destruct strict; [specialize (L4 eq_refl)|]; lra.
Qed.

(* S, closed under the renamings that the theorem is modulo *)
Definition adm (f : nat -> nat) : Prop := lab = true -> forall j, (j < m)%nat -> f j = j.
Definition InS (c : cell) : Prop := length c = m /\ exists c0 f g, In c0 (map states (entries C)) /\
  Bij m f g /\ adm f /\ forall x, (x < m)%nat -> st c x = st c0 (f x).

Lemma entry_length : forall c0, In c0 (map states (entries C)) -> length c0 = m.
Proof.
  intros c0 I. apply in_map_iff in I as (e & <- & Ie). apply ok_entry in Ie. unfold check_entry in Ie.
  apply andb_prop in Ie as [E _]. apply Nat.eqb_eq; auto.
Qed.

Lemma neuron_ok : forall c0 j, In c0 (map states (entries C)) -> (j < m)%nat -> exists fl cr,
  check_neuron m lab ball C cellmap dualmap c0 (map code c0) j fl cr = true.
Proof.
  intros c j Ic Hj. apply in_map_iff in Ic as (e & <- & Ie). apply ok_entry in Ie. unfold check_entry in Ie.
  apply andb_prop in Ie as [_ Ie]. rewrite forallb_forall in Ie. eauto using in_seq0.
Qed.

Lemma same_cell_bij : forall c1 c, length c1 = m -> (if lab then c1 = c else Permutation c1 c) ->
  exists f g, Bij m f g /\ adm f /\ forall x, (x < m)%nat -> st c x = st c1 (f x).
Proof.
  intros c1 c L E. unfold adm in *. destruct lab.
  - subst. exists (fun x => x), (fun x => x).
    split; [apply Bij_id|]. auto.
  - apply (Permutation_Bij _ (true, O)) in E as (f & g & B & H).
    exists f, g. split; [rewrite <- L; exact B|]. split; [discriminate|]. intros x Hx. apply H. rewrite <- L in Hx. exact Hx.
Qed.

(* carrying a network in a cell of InS over to the entry *)
Lemma carry : forall c c0 f g W a, Bij m f g -> (forall x, (x < m)%nat -> st c x = st c0 (f x)) ->
  in_cell (nz X) P m W a c -> in_cell (nz X) P m (fun x => W (g x)) (fun x => a (g x)) c0.
Proof.
  intros c c0 f g W a B E Hc x Hx. destruct (B x Hx) as (_ & Gx & _ & FG).
  specialize (Hc (g x) Gx). rewrite (E (g x) Gx), FG in Hc. exact Hc.
Qed.

Lemma low_bij : forall f g W a, Bij m f g -> low W a -> low (fun x => W (g x)) (fun x => a (g x)).
Proof.
  intros f g W a B [Hb Hl]. split.
  - apply (in_ball_bij m d ball g f); auto. apply Bij_sym; auto.
  - rewrite (loss_bij X y m g f W a); auto. apply Bij_sym; auto.
Qed.

Lemma step_sound : forall c c0 f g j face ns p, length c = m ->
  In c0 (map states (entries C)) -> Bij m f g -> adm f -> (forall x, (x < m)%nat -> st c x = st c0 (f x)) ->
  (j < m)%nat -> check_step m lab ball cellmap dualmap c0 (map code c0) (f j) face ns p = true ->
  (exists c', InS c' /\ upd c j ns c') \/
  (forall W a, in_cell (nz X) P m W a c -> face_holds W a j face -> ~ low W a).
Proof.
  intros c c0 f g j face ns [|k|] Lc I0 B Af E Hj Hs; simpl in Hs; [| |discriminate].
  - left. rewrite <- setn_map in Hs. apply among_cells in Hs as (c1 & F & Hs).
    pose proof (entry_length _ I0) as L0. pose proof (entry_length _ F) as L1.
    destruct (same_cell_bij c1 _ L1 Hs) as (f1 & g1 & B1 & A1 & E1).
    exists (setn j ns c). split.
    + split; [rewrite setn_length; auto|]. exists c1, (fun x => f1 (f x)), (fun x => g (g1 x)).
      split; auto. split; [apply Bij_comp; auto|]. split.
      * intros Hl x Hx. rewrite (Af Hl x Hx). auto.
      * intros x Hx. destruct (B x Hx) as (Fx & _ & GF & _). rewrite <- E1; auto.
        destruct (B j Hj) as (Fj & _ & GFj & _).
        rewrite !setn_st by lia. destruct (Nat.eqb_spec x j) as [->|N].
        -- rewrite Nat.eqb_refl. auto.
        -- destruct (Nat.eqb_spec (f x) (f j)) as [Q|]; [|auto]. exfalso. apply N. congruence.
    + split.
      * rewrite setn_st by lia. rewrite Nat.eqb_refl. auto.
      * intros i Hi. rewrite setn_st by lia. destruct (Nat.eqb_spec i j); auto; lia.
  - destruct (PositiveMap.find k _) as [u|] eqn:F; [|discriminate]. right. apply index_in in F.
    intros W a Hc Hf Hl. destruct (B j Hj) as (_ & _ & GF & _).
    apply (above_sound u c0 (f j) face F Hs (fun x => W (g x)) (fun x => a (g x))).
    + eapply carry; eauto.
    + intros _. unfold face_holds in *. destruct face as [n|]; [|intros x Ix; specialize (Hf x Ix)];
        unfold uvec in *; rewrite GF; auto.
    + eapply low_bij; eauto.
Qed.

Lemma side_sound : forall i n, (i < length (patterns C))%nat -> (n < nwalls C)%nat ->
  match nth n (sides (nth i (patterns C) (Pat [] []))) (Empty []) with
  | Across i' => flips (nz X) parb (P i) (wall C n) (P i')
  | Empty _ => forall q, ~ flips (nz X) parb (P i) (wall C n) q
  end.
Proof.
  intros i n Hi Hn. assert (I : In (nth i (patterns C) (Pat [] [])) (patterns C)) by (apply nth_In; auto).
  apply ok_pattern in I. unfold check_pattern in I. apply andb_prop in I as [_ H0]. rewrite forallb_forall in H0.
  specialize (H0 n (in_seq0 _ _ Hn)). destruct (nth n _ _) as [i'|mu]; simpl in H0.
  - intros z Iz. rewrite forallb_forall in H0. specialize (H0 z Iz). unfold P. rewrite <- !dotZ_dot, <- mult_IZR.
    fold (pat C i) in H0. destruct (parb (wall C n) z); apply Z.ltb_lt, IZR_lt in H0; auto.
  - intros q Fq. apply andb_prop in H0 as [H0 H1]. apply zero_opt_dot in H1 as (r & Er & Zr).
    destruct (flat_sound _ _ _ _ _ Er q Fq) as [_ G]. specialize (G H0). rewrite Zr in G. lra.
Qed.

Theorem sound :
  forall (W : R -> nat -> rvec) (a : R -> nat -> R),
  (forall j i, cont01 (fun t => W t j i)) -> (forall j, cont01 (fun t => a t j)) ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (W t) (a t)) ->
  (exists c0, In c0 (map states (entries C)) /\ in_cell (nz X) P m (W 0) (a 0) c0) ->
  (forall c0 f g, In c0 (map states (entries C)) -> Bij m f g -> adm f ->
     ~ in_cell (nz X) P m (fun x => W 1 (g x)) (fun x => a 1 (g x)) c0) ->
  exists t, 0 <= t <= 1 /\ ~ below (loss X y m (W t) (a t)).
Proof.
  intros W a CW Ca Hb Start End. apply NNPP. intros No.
  pose proof ok_rows as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
  destruct Rw as [[[[[_ _] H3] H2] H1] H0].
  rewrite forallb_forall in H3, H2, H1, H0.
  assert (Z : exists c, InS c /\ in_cell (nz X) P m (W 1) (a 1) c).
  2:{ destruct Z as (c & (_ & c0 & f & g & I0 & B & Af & E) & Hc). apply (End c0 f g I0 B Af).
      eapply carry; eauto. }
  refine (never_leaves (nz X) (walls C) parb _ _ _ _ _ m P low InS _ _ _ W a CW Ca _ _).
  - intros x z _ _. apply parb_sound.
  - intros x z Ix Iz E. apply gram_sound. specialize (H2 x Ix). rewrite forallb_forall in H2. specialize (H2 z Iz).
    rewrite E in H2. simpl in H2. apply negb_true_iff, Z.eqb_neq in H2. auto.
  - intros r Ir. specialize (H1 r Ir). apply existsb_exists in H1 as (x & Ix & E).
    apply list_eqb_eq in E; [subst; auto|]. intros u v; apply Z.eqb_eq.
  - intros x Ix. specialize (H0 x Ix). apply existsb_exists in H0 as (r & Ir & E). eauto.
  - intros x Ix. specialize (H3 x Ix). apply negb_true_iff, Z.eqb_neq, not_0_IZR in H3.
    exists (vec x). rewrite <- dotZ_dot. auto.
  - intros c j (_ & c0 & f & g & I0 & B & Af & E) Hj x Ix. destruct (B j Hj) as (Fj & _). rewrite (E j Hj).
    destruct (neuron_ok c0 (f j) I0 Fj) as (fl & cr & Ch).
    unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[H6 H8] H7].
    apply Nat.ltb_lt in H6. unfold P. rewrite <- dotZ_dot. apply not_0_IZR. apply pat_generic; auto.
  - intros c j (Lc & c0 & f & g & I0 & B & Af & E) Hj. destruct (B j Hj) as (Fj & _). rewrite (E j Hj).
    destruct (neuron_ok c0 (f j) I0 Fj) as (fl & cr & Ch).
    unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[H6 H8] H7].
    apply (step_sound c c0 f g j None) in H8; auto.
  - intros c j k (Lc & c0 & f & g & I0 & B & Af & E) Hj Ik. destruct (B j Hj) as (Fj & _). rewrite (E j Hj).
    destruct (neuron_ok c0 (f j) I0 Fj) as (fl & cr & Ch).
    unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[H6 H8] H7].
    apply Nat.ltb_lt in H6. rewrite forallb_forall in H7.
    apply (In_nth _ _ []) in Ik as (n & Hn & <-). specialize (H7 n (in_seq0 _ _ Hn)).
    pose proof (side_sound _ n H6 Hn) as S. fold (wall C n).
    destruct (nth n _ (Empty [])) as [i'|mu].
    + left. exists i'. split; auto. apply (step_sound c c0 f g j (Some n)) in H7; auto.
    + right. auto.
  - intros t Ht. split; auto. apply NNPP. intros G. apply No. eauto.
  - destruct Start as (c0 & I0 & Hc). exists c0. split; auto. split; [apply entry_length; auto|].
    exists c0, (fun x => x), (fun x => x). split; auto. split; [apply Bij_id|]. split; [intros _ ? _; auto|auto].
Qed.
End Sound.

(* ------------------------------------------------------------------ concrete end points *)

Lemma Q2R_inject : forall z, Q2R (inject_Z z) = IZR z.
Proof. intros; unfold Q2R, inject_Z; simpl. field. Qed.

Lemma plusQ_R : forall p q, Q2R (plusQ p q) = Q2R p + Q2R q.
Proof.
  intros p q. unfold plusQ. destruct (Z.eqb_spec (Qnum q) 0) as [E|_].
  { unfold Q2R at 3. rewrite E. ring. }
  destruct (Pos.eqb_spec (Qden p) (Qden q)) as [E|_].
  - unfold Q2R. cbn [Qnum Qden]. rewrite <- E, plus_IZR. ring.
  - rewrite (Qeq_eqR _ _ (Qred_correct _)). apply Q2R_plus.
Qed.

Lemma dotQ_dot : forall x w, Q2R (dotQ x w) = dot x (fun i => Q2R (w i)).
Proof.
  induction x as [|a x IH]; intros w; cbn [dotQ dot].
  - unfold Q2R; simpl; lra.
  - rewrite plusQ_R, Q2R_mult, Q2R_inject, IH. reflexivity.
Qed.

Lemma absQ_abs : forall a, Q2R (absQ a) = Rabs (Q2R a).
Proof.
  intros a. unfold absQ. destruct (Qle_bool 0 a) eqn:E.
  - apply Qle_bool_iff, Qle_Rle in E. replace (Q2R 0) with 0 in E by (unfold Q2R; simpl; lra). rewrite Rabs_right; lra.
  - rewrite Q2R_opp. assert (L : Q2R a < 0).
    { apply Rnot_le_lt. intros H. replace 0 with (Q2R 0) in H by (unfold Q2R; simpl; lra).
      apply Rle_Qle, Qle_bool_iff in H. congruence. }
    rewrite Rabs_left; auto.
Qed.

Lemma Qle0 : forall q, Qle_bool 0 q = true <-> Q2R q >= 0.
Proof.
  intros q. rewrite Qle_bool_iff. assert (E : Q2R 0 = 0) by (unfold Q2R; simpl; lra). split; intros H.
  - apply Qle_Rle in H. lra.
  - apply Rle_Qle. lra.
Qed.

Lemma contains_iff : forall X C m d A c W a, (forall x, In x X -> (length x <= d)%nat) -> is_net m d A W a ->
  (contains X C m A c = true <-> in_cell (nz X) (fun i => vec (pat C i)) m W a c).
Proof.
  intros X C m d A c W a Len HA. unfold contains, in_cell. rewrite forallb_forall.
  assert (H : forall j, (j < m)%nat -> (Qle_bool 0 (if fst (st c j) then qa A j else - qa A j) &&
    forallb (fun x => Qle_bool 0 (inject_Z (dotZ x (pat C (snd (st c j)))) * (absQ (qa A j) * dotQ x (qW A j)))) (nz X))%bool = true
    <-> (sgn (fst (st c j)) * a j >= 0 /\
    forall x, In x (nz X) -> dot x (vec (pat C (snd (st c j)))) * dot x (uvec W a j) >= 0)).
  { intros j Hj. destruct (HA j Hj) as [Ea EW]. rewrite andb_true_iff, forallb_forall, Qle0.
    assert (E1 : Q2R (if fst (st c j) then qa A j else - qa A j) = sgn (fst (st c j)) * a j).
    { rewrite Ea. unfold sgn. destruct (fst (st c j)); [ring|rewrite Q2R_opp; ring]. }
    rewrite E1.
    assert (E2 : forall x, In x (nz X) -> Q2R (inject_Z (dotZ x (pat C (snd (st c j)))) * (absQ (qa A j) * dotQ x (qW A j))) =
      dot x (vec (pat C (snd (st c j)))) * dot x (uvec W a j)).
    { intros x Ix. rewrite !Q2R_mult, Q2R_inject, absQ_abs, dotQ_dot, dotZ_dot, dot_u, Ea.
      rewrite (dot_ext_len x d (W j) (fun i => Q2R (qW A j i))); auto. apply Len. apply nz_in; auto. }
    split; intros [H1 H2]; split; auto; intros x Ix; specialize (H2 x Ix).
    - apply Qle0 in H2. rewrite E2 in H2; auto.
    - apply Qle0. rewrite E2; auto. }
  split; intros G j Hj.
  - apply H; auto. apply G. apply in_seq0; auto.
  - apply in_seq in Hj. apply H; [lia|]. apply G. lia.
Qed.

Lemma inside_contains : forall X C m A c, inside (pattern_sides X C) m A (net_sides X m A) c = contains X C m A c.
Proof.
  intros X C m A c.
  assert (F : forall (f g : nat -> bool) l, (forall j, In j l -> f j = g j) -> every f l = forallb g l).
  { intros f g. induction l as [|j l IH]; intros H; simpl; auto. rewrite H, IH; simpl; auto. intros; apply H; simpl; auto. }
  unfold inside, contains. apply F. intros j Ij. apply in_seq in Ij. cbv zeta.
  rewrite <- andb_lazy_alt. f_equal.
  assert (N : nth j (net_sides X m A) [] = map (fun x => Qnum (absQ (qa A j) * dotQ x (qW A j))) (nz X)).
  { unfold net_sides. rewrite (nth_indep _ _ ((fun j => map (fun x => Qnum (absQ (qa A j) * dotQ x (qW A j))) (nz X)) O)).
    - rewrite (map_nth (fun j => map (fun x => Qnum (absQ (qa A j) * dotQ x (qW A j))) (nz X))). rewrite seq_nth by lia. reflexivity.
    - rewrite map_length, seq_length. lia. }
  rewrite N.
  assert (G : forall e v, Qle_bool 0 (inject_Z e * v) = Z.leb 0 (e * Qnum v)).
  { intros e v. unfold Qle_bool. cbn [Qnum Qden Qmult inject_Z]. rewrite Z.mul_0_l, Z.mul_1_r. reflexivity. }
  set (i := snd (st c j)).
  assert (P : nth i (pattern_sides X C) [] = map (fun x => dotZ x (pat C i)) (nz X) \/
              nth i (pattern_sides X C) [] = [] /\ forall x, dotZ x (pat C i) = 0%Z).
  { unfold pattern_sides, pat. destruct (Nat.lt_ge_cases i (length (patterns C))) as [L|L].
    - left. rewrite (nth_indep _ _ ((fun p => map (fun x => dotZ x (pt p)) (nz X)) (Pat [] []))) by (rewrite map_length; auto).
      rewrite (map_nth (fun p => map (fun x => dotZ x (pt p)) (nz X))). reflexivity.
    - right. rewrite !nth_overflow by (try rewrite map_length; auto). split; auto. intros [|v x]; reflexivity. }
  destruct P as [->|[-> Z0]]; clear N; induction (nz X) as [|x l IH]; cbn [map agree forallb] in *; auto.
  - rewrite <- andb_lazy_alt, G, IH. reflexivity.
  - rewrite G, Z0, <- IH. reflexivity.
Qed.

Theorem barrier_lower_bound_gen : forall X y m d lab ball bn bd strict A B C,
  check_barrier X y m d lab ball bn bd strict A B C = true ->
  forall (W : R -> nat -> rvec) (a : R -> nat -> R), is_path m d W a ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (W t) (a t)) ->
  is_net m d A (W 0) (a 0) ->
  (exists s, renaming lab m s /\ is_net m d B (fun j => W 1 (s j)) (fun j => a 1 (s j))) ->
  exists t, 0 <= t <= 1 /\ if strict then loss X y m (W t) (a t) > IZR bn / IZR bd else loss X y m (W t) (a t) >= IZR bn / IZR bd.
Proof.
  intros X y m d lab ball bn bd strict A B C OK W a [CW Ca] Hb HA (s & (Sf & Si & Sl) & HB).
  unfold check_barrier, check_cut in OK. rewrite !andb_true_iff in OK. destruct OK as [H [[LB H1] H0]].
  assert (H1' : existsb (contains X C m A) (map states (entries C)) = true).
  { apply existsb_exists in H1 as (e & Ie & He). rewrite inside_contains in He. apply existsb_exists.
    exists (states e). split; auto. apply in_map; auto. }
  clear H1. rename H1' into H1. rewrite forallb_forall in H0.
  assert (H0' : forall B', In B' (if lab then [B] else perms B) -> forall c, In c (map states (entries C)) -> negb (contains X C m B' c) = true).
  { intros B' IB c Ic. apply in_map_iff in Ic as (e & <- & Ie). specialize (H0 B' IB). rewrite forallb_forall in H0.
    specialize (H0 e Ie). rewrite inside_contains in H0. auto. }
  clear H0. rename H0' into H0.
  apply Nat.eqb_eq in LB.
  assert (Len : forall x, In x X -> (length x <= d)%nat).
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ H) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ Rw] _] _] _] _]. rewrite forallb_forall in Rw.
    intros x Ix. apply Nat.leb_le. auto. }
  (* outside m, d the functions are arbitrary: replace them by zero *)
  set (W' := fun t j i => if (Nat.ltb j m && Nat.ltb i d)%bool then W t j i else 0).
  set (a' := fun t j => if Nat.ltb j m then a t j else 0).
  assert (EW : forall t j i, (j < m)%nat -> (i < d)%nat -> W' t j i = W t j i).
  { intros t j i Hj Hi. unfold W'. apply Nat.ltb_lt in Hj, Hi. rewrite Hj, Hi. auto. }
  assert (Ea : forall t j, (j < m)%nat -> a' t j = a t j).
  { intros t j Hj. unfold a'. apply Nat.ltb_lt in Hj. rewrite Hj. auto. }
  assert (EL : forall t, loss X y m (W' t) (a' t) = loss X y m (W t) (a t)).
  { intros t. apply loss_ext; auto. intros x j Ix Hj. apply (dot_ext_len x d); auto. }
  destruct (sound X y m d lab ball bn bd strict C H W' a') as (t & Ht & L).
  - intros j i. unfold W'. destruct (Nat.ltb_spec j m); [|apply (cont01_const 0)].
    destruct (Nat.ltb_spec i d); [|apply (cont01_const 0)]. simpl. apply CW; auto.
  - intros j. unfold a'. destruct (Nat.ltb_spec j m); [apply Ca; auto|apply (cont01_const 0)].
  - intros t Ht. apply (in_ball_same m d ball (W t) (a t)); auto. intros j i Hj Hi. rewrite EW, Ea; auto.
  - apply existsb_exists in H1 as (c & Ic & Hc). exists c. split; auto.
    apply (contains_iff X C m d A c (W' 0) (a' 0)); auto.
    intros j Hj. destruct (HA j Hj) as [P1 P2]. split; [rewrite Ea; auto|]. intros i Hi. rewrite EW; auto.
  - intros c f g Ic Bf Af Hc.
    (* theta(1) o g = B o (s^-1 o g) *)
    destruct (inj_Bij m s Sf Si) as (r & Br).
    set (B' := map (fun j => nth (r (g j)) B ([], 0%Q)) (seq 0 m)).
    assert (IB : In B' (if lab then [B] else perms B)).
    { assert (LB' : length B' = m) by (unfold B'; rewrite map_length, seq_length; auto).
      assert (NB : forall x, (x < m)%nat -> nth x B' ([], 0%Q) = nth (r (g x)) B ([], 0%Q)).
      { intros x Hx. unfold B'. rewrite (nth_indep _ _ ((fun j => nth (r (g j)) B ([], 0%Q)) O)).
        - rewrite (map_nth (fun j => nth (r (g j)) B ([], 0%Q))). rewrite seq_nth; auto.
        - rewrite map_length, seq_length; auto. }
      destruct lab eqn:El.
      - left. apply (nth_ext _ _ ([], 0%Q) ([], 0%Q)); [lia|]. intros x Hx. rewrite NB by lia. f_equal.
        assert (Hx' : (x < m)%nat) by lia. destruct (Bf x Hx') as (_ & Gx & GF & _).
        assert (g x = x). { rewrite (Af eq_refl x Hx') in GF. auto. } rewrite H2.
        destruct (Br x Hx') as (_ & Rx & RS & _). rewrite (Sl eq_refl x Hx') in RS. auto.
      - apply perms_in. apply (Bij_Permutation _ ([], 0%Q) B B' (fun x => r (g x)) (fun x => f (s x))); [lia| |].
        + rewrite LB. apply Bij_comp; apply Bij_sym; auto.
        + intros x Hx. apply NB. lia. }
    specialize (H0 B' IB c Ic).
    assert (N : is_net m d B' (fun x => W' 1 (g x)) (fun x => a' 1 (g x))).
    { intros j Hj. destruct (Bf j Hj) as (_ & Gj & _). destruct (Br (g j) Gj) as (_ & Rj & _ & SR).
      destruct (HB (r (g j)) Rj) as [P1 P2]. rewrite SR in P1, P2.
      assert (NB : nth j B' ([], 0%Q) = nth (r (g j)) B ([], 0%Q)).
      { unfold B'. rewrite (nth_indep _ _ ((fun j => nth (r (g j)) B ([], 0%Q)) O)).
        - rewrite (map_nth (fun j => nth (r (g j)) B ([], 0%Q))). rewrite seq_nth; auto.
        - rewrite map_length, seq_length; auto. }
      unfold qa, qW in *. rewrite NB. split; [rewrite Ea; auto|]. intros i Hi. rewrite EW; auto. }
    apply (contains_iff X C m d B' c _ _ Len N) in Hc. rewrite Hc in H0. discriminate.
  - exists t. split; auto. rewrite <- EL. unfold below in L. destruct strict; lra.
Qed.

Theorem barrier_lower_bound : forall X y m d lab ball bn bd A B C,
  check_barrier X y m d lab ball bn bd false A B C = true ->
  forall (W : R -> nat -> rvec) (a : R -> nat -> R), is_path m d W a ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (W t) (a t)) ->
  is_net m d A (W 0) (a 0) ->
  (exists s, renaming lab m s /\ is_net m d B (fun j => W 1 (s j)) (fun j => a 1 (s j))) ->
  exists t, 0 <= t <= 1 /\ loss X y m (W t) (a t) >= IZR bn / IZR bd.
Proof. intros X y m d lab ball bn bd A B C OK. exact (barrier_lower_bound_gen X y m d lab ball bn bd false A B C OK). Qed.
