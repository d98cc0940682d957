(* The valleys of the loss: from every network a path that rises by little leads to one of some networks, and no two
   of these are joined by a path that rises by little above both. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Permutation Classical FMapPositive.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Cover Isthmus.Connect Isthmus.Components Isthmus.Statements Isthmus.Layers Isthmus.Text.
Import ListNotations.
Open Scope R_scope.

Section Statements.
Variable inside : (nat -> rvec) -> (nat -> R) -> Prop.    (* a ball, or bounds of the two layers *)
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable m d : nat.
Variable lab : bool.

Definition no_higher (c : R) W a : Prop := inside W a /\ lossq XQ yQ m W a <= c.

(* a continuous path of loss <= c from (W, a), its neurons in some order unless lab, to the network A *)
Definition leads (c : R) (W : nat -> rvec) (a : nat -> R) (A : endpoint) : Prop :=
  exists f g, Bij m f g /\ (lab = true -> forall j, (j < m)%nat -> g j = j) /\
    joins m d (no_higher c) (fun j => W (g j)) (fun j => a (g j)) (W_of A) (a_of A).

Definition height (A : endpoint) : R := lossq XQ yQ m (W_of A) (a_of A).

(* no two of the networks are joined by a path that rises by at most `depth` above both *)
Definition apart (depth : R) (nets : list endpoint) : Prop :=
  (forall A, In A nets -> inside (W_of A) (a_of A)) /\
  (forall i j, (i < length nets)%nat -> (j < length nets)%nat -> i <> j ->
     let A := nth i nets [] in let B := nth j nets [] in ~ leads (Rmax (height A) (height B) + depth) (W_of A) (a_of A) B).

(* moreover, from every network a path that rises by at most `depth` leads to one of them, and no path to one of them that
   stays below it, or above it by at most `depth`, begins lower by more than that *)
Definition deep_valleys (depth : R) (nets : list endpoint) : Prop :=
  0 <= depth /\ apart depth nets /\
  (forall W a, inside W a -> exists A, In A nets /\ leads (lossq XQ yQ m W a + depth) W a A) /\
  (forall A W a, In A nets -> leads (height A + depth) W a A -> lossq XQ yQ m W a >= height A - depth).

(* one network at the bottom of each valley, and no other valleys *)
Definition valleys (nets : list endpoint) : Prop := deep_valleys 0 nets.
End Statements.

Definition are_apart XQ yQ m d ball lab := apart (in_ball m d ball) XQ yQ m d lab 0.
Definition are_deep XQ yQ m d ball := deep_valleys (in_ball m d ball) XQ yQ m d false.
Definition are_valleys XQ yQ m d ball := valleys (in_ball m d ball) XQ yQ m d false.

(* ---- paths of bounded loss ---- *)

Section Ways.
Variable inside : (nat -> rvec) -> (nat -> R) -> Prop.
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable m d : nat.
Variable lab : bool.
Hypothesis inside_ext : forall W a W' a', eqnet m d W a W' a' -> inside W a -> inside W' a'.
Hypothesis inside_bij : forall f g W a, Bij m f g -> inside W a -> inside (fun j => W (g j)) (fun j => a (g j)).
Hypothesis loss_eq : forall W a W' a', eqnet m d W a W' a' -> lossq XQ yQ m W a = lossq XQ yQ m W' a'.
Hypothesis loss_order : forall f g W a, Bij m f g -> lossq XQ yQ m (fun j => W (g j)) (fun j => a (g j)) = lossq XQ yQ m W a.

Let good := no_higher inside XQ yQ m.
Let leads := leads inside XQ yQ m d lab.

Lemma good_ext : forall c W a W' a', eqnet m d W a W' a' -> good c W a -> good c W' a'.
Proof. intros c W a W' a' E [I L]. split; [apply (inside_ext W a); auto|]. rewrite <- (loss_eq W a W' a' E). exact L. Qed.

Lemma eqnet_refl : forall W a, eqnet m d W a W a.
Proof. intros W a j Hj. auto. Qed.
Lemma eqnet_sym : forall W a W' a', eqnet m d W a W' a' -> eqnet m d W' a' W a.
Proof. intros W a W' a' E j Hj. destruct (E j Hj) as [E1 E2]. split; auto. intros i Hi. symmetry. auto. Qed.
Lemma eqnet_trans : forall W a W' a' W2 a2, eqnet m d W a W' a' -> eqnet m d W' a' W2 a2 -> eqnet m d W a W2 a2.
Proof.
  intros W a W' a' W2 a2 E F j Hj. destruct (E j Hj) as [E1 E2], (F j Hj) as [F1 F2]. split; [congruence|].
  intros i Hi. rewrite E2; auto.
Qed.

Lemma joins_eq : forall P W a W' a' V v V' v', eqnet m d W a V v -> eqnet m d W' a' V' v' ->
  joins m d P W a W' a' -> joins m d P V v V' v'.
Proof.
  intros P W a W' a' V v V' v' E F (U & e & PU & U0 & U1 & G). exists U, e. split; auto.
  split; [eapply eqnet_trans; eauto|]. split; [eapply eqnet_trans; eauto|auto].
Qed.

Lemma joins_order : forall c f g W a V v, Bij m f g -> joins m d (good c) W a V v ->
  joins m d (good c) (fun j => W (g j)) (fun j => a (g j)) (fun j => V (g j)) (fun j => v (g j)).
Proof.
  intros c f g W a V v B (U & e & [CU Ce] & U0 & U1 & GU).
  assert (G : forall j, (j < m)%nat -> (g j < m)%nat) by (intros j Hj; apply (B j Hj)).
  exists (fun t j => U t (g j)), (fun t j => e t (g j)). split; [split; auto|]. split; [|split].
  - intros j Hj. apply U0; auto.
  - intros j Hj. apply U1; auto.
  - intros t Ht. destruct (GU t Ht) as [Q1 Q2]. split; [apply (inside_bij f g); auto|]. rewrite (loss_order f g); auto.
Qed.

Lemma joins_higher : forall c c' W a V v, c <= c' -> joins m d (good c) W a V v -> joins m d (good c') W a V v.
Proof.
  intros c c' W a V v L (U & e & P & U0 & U1 & G). exists U, e. split; auto. split; auto. split; auto.
  intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. lra.
Qed.

Lemma leads_higher : forall c c' W a A, c <= c' -> leads c W a A -> leads c' W a A.
Proof.
  intros c c' W a A L (f & g & B & I & J). exists f, g. split; auto. split; auto. apply (joins_higher c); auto.
Qed.

Lemma stays : forall c W a, good c W a -> joins m d (good c) W a W a.
Proof.
  intros c W a G. exists (fun _ => W), (fun _ => a). split; [split; intros; apply cont01_const|].
  split; [|split]; auto; intros j Hj; split; auto.
Qed.

Lemma leads_on : forall c f g W a V v A, Bij m f g -> (lab = true -> forall j, (j < m)%nat -> g j = j) ->
  joins m d (good c) (fun j => W (g j)) (fun j => a (g j)) V v -> leads c V v A -> leads c W a A.
Proof.
  intros c f g W a V v A B I J (f2 & g2 & B2 & I2 & J2). exists (fun x => f2 (f x)), (fun x => g (g2 x)).
  split; [apply Bij_comp; auto|]. split.
  - intros El j Hj. rewrite (I2 El j Hj). auto.
  - apply (joins_order c f2 g2) in J; auto. apply (glued m d (good c) (good_ext c) _ _ _ _ _ _ J J2).
Qed.

(* from a network paths lead to two others: these are joined *)
Lemma leads_both : forall c W a A B, leads c W a A -> leads c W a B -> leads c (W_of A) (a_of A) B.
Proof.
  intros c W a A B (f & g & Bf & I & J) (f2 & g2 & B2 & I2 & J2).
  assert (Inv : lab = true -> forall j, (j < m)%nat -> f j = j).
  { intros El j Hj. destruct (Bf j Hj) as (Fj & _ & GF & _). rewrite (I El _ Fj) in GF. exact GF. }
  apply turned in J. apply (joins_order c g f) in J; [|apply Bij_sym; auto].
  assert (J' : joins m d (good c) (fun j => W_of A (f j)) (fun j => a_of A (f j)) W a).
  { eapply joins_eq; [| |exact J]; intros j Hj; split; auto; destruct (Bf j Hj) as (_ & _ & GF & _); rewrite GF; auto. }
  apply (leads_on c g f (W_of A) (a_of A) W a B); auto; [apply Bij_sym; auto|]. exists f2, g2. auto.
Qed.

Lemma end_height : forall c W a A, leads c W a A -> height XQ yQ m A <= c /\ inside (W_of A) (a_of A).
Proof.
  intros c W a A (f & g & _ & _ & V & v & _ & _ & V1 & G). destruct (G 1) as [G1 G2]; [lra|].
  unfold height. rewrite <- (loss_eq _ _ _ _ V1). split; auto. apply (inside_ext _ _ _ _ V1 G1).
Qed.
Lemma start_height : forall c W a A, leads c W a A -> lossq XQ yQ m W a <= c /\ inside W a.
Proof.
  intros c W a A (f & g & B & _ & V & v & _ & V0 & _ & G). destruct (G 0) as [G1 G2]; [lra|].
  rewrite (loss_eq _ _ _ _ V0), (loss_order f g W a B) in G2. split; auto.
  apply (inside_ext _ _ _ _ V0) in G1. apply (inside_bij g f) in G1; [|apply Bij_sym; auto].
  apply (inside_ext (fun j => W (g (f j))) (fun j => a (g (f j)))); auto.
  intros j Hj. destruct (B j Hj) as (_ & _ & GF & _). rewrite GF. auto.
Qed.

(* that the networks are as low as is said follows from the rest *)
Theorem floors : forall depth nets, 0 <= depth -> apart inside XQ yQ m d lab depth nets ->
  (forall W a, inside W a -> exists A, In A nets /\ leads (lossq XQ yQ m W a + depth) W a A) ->
  deep_valleys inside XQ yQ m d lab depth nets.
Proof.
  intros depth nets D S Cov. split; auto. split; auto. split; auto. intros A W a IA LA. destruct S as [_ S].
  apply Rnot_lt_ge. intros Low. destruct (start_height _ _ _ _ LA) as [_ IW]. destruct (Cov W a IW) as (B & IB & LB).
  destruct (end_height _ _ _ _ LB) as [HB _]. fold (height XQ yQ m) in *.
  apply In_nth with (d := []) in IA as (i & Hi & <-). apply In_nth with (d := []) in IB as (j & Hj & <-).
  destruct (Nat.eq_dec i j) as [<-|N]; [lra|]. apply (S i j Hi Hj N). cbv zeta.
  apply (leads_both _ W a).
  - apply (leads_higher (height XQ yQ m (nth i nets []) + depth)); auto. apply Rplus_le_compat_r, Rmax_l.
  - apply (leads_higher (lossq XQ yQ m W a + depth)); auto. apply Rplus_le_compat_r.
    pose proof (Rmax_l (height XQ yQ m (nth i nets [])) (height XQ yQ m (nth j nets []))). lra.
Qed.
End Ways.

Lemma lossq_ext : forall XQ yQ m d, (forall x, In x XQ -> (length x <= d)%nat) -> forall W a W' a',
  eqnet m d W a W' a' -> lossq XQ yQ m W a = lossq XQ yQ m W' a'.
Proof.
  intros XQ yQ m d Len W a W' a' E. unfold lossq. f_equal.
  assert (N : forall x, In x XQ -> netq m W a x = netq m W' a' x).
  { intros x Ix. apply sumlt_ext. intros j Hj. destruct (E j Hj) as [E1 E2]. rewrite E1, (dotq_ext x d (W j) (W' j)); auto. }
  revert yQ. clear Len E. induction XQ as [|x XQ IH]; intros [|v yQ]; cbn [sqerrq]; auto.
  rewrite (N x (or_introl eq_refl)), IH; auto. intros z Iz. apply N. right. exact Iz.
Qed.

Lemma lossq_bij : forall XQ yQ m f g W a, Bij m f g -> lossq XQ yQ m (fun j => W (g j)) (fun j => a (g j)) = lossq XQ yQ m W a.
Proof.
  intros XQ yQ m f g W a B. unfold lossq. f_equal.
  assert (E : forall x, netq m (fun j => W (g j)) (fun j => a (g j)) x = netq m W a x).
  { intros x. apply (sumlt_bij m g f (fun j => a j * Rmax 0 (dotq x (W j)))). apply Bij_sym; auto. }
  revert yQ. induction XQ as [|x XQ IH]; intros [|v yQ]; cbn [sqerrq]; auto. rewrite E, IH. reflexivity.
Qed.

(* ---- the same where the norms of the layers are bounded ---- *)

Definition apart_layers XQ yQ m d ball RW Ra lab := apart (in_layers m d ball RW Ra) XQ yQ m d lab 0.
Definition deep_layers XQ yQ m d ball RW Ra := deep_valleys (in_layers m d ball RW Ra) XQ yQ m d false.
Definition valleys_layers XQ yQ m d ball RW Ra := valleys (in_layers m d ball RW Ra) XQ yQ m d false.

Section InLayers.
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable m d : nat.
Variable ball : balls.
Variable nets : list endpoint.
Variable RW Ra : R.
Hypothesis RW0 : 0 < RW.
Hypothesis Ra0 : 0 < Ra.
Hypothesis E : RW * Ra = IZR (rn ball) / IZR (rd ball).
Hypothesis inside_nets : forall A, In A nets -> in_layers m d ball RW Ra (W_of A) (a_of A).
Let some := not_free ball RW Ra RW0 Ra0 E.
Let inside := in_layers m d ball RW Ra.

Lemma leads_in_ball : forall lab c W a A, leads inside XQ yQ m d lab c W a A -> leads (in_ball m d ball) XQ yQ m d lab c W a A.
Proof.
  intros lab c W a A (f & g & B & I & V & v & P & V0 & V1 & G). exists f, g. split; auto. split; auto. exists V, v.
  split; auto. split; auto. split; auto. intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto.
  apply (layers_in_ball m d ball RW Ra RW0 Ra0 E some). exact G1.
Qed.

Lemma apart_inside : forall lab depth, apart (in_ball m d ball) XQ yQ m d lab depth nets -> apart inside XQ yQ m d lab depth nets.
Proof.
  intros lab depth [_ S]. split; auto. intros i j Hi Hj N A B L. apply (S i j Hi Hj N). apply leads_in_ball. exact L.
Qed.

Lemma deep_inside : forall depth, forallb (fun x => Nat.leb (length x) d) XQ = true ->
  are_deep XQ yQ m d ball depth nets -> deep_layers XQ yQ m d ball RW Ra depth nets.
Proof.
  intros depth HL (D & S & Cov & _). pose proof (lengths d XQ HL) as Len. pose proof (inside_eq m d ball RW Ra RW0 Ra0 E some) as Eq.
  assert (Order : forall f g W a, Bij m f g -> inside W a -> inside (fun j => W (g j)) (fun j => a (g j))).
  { intros f g W a B I. apply (inside_bij m d ball RW Ra RW0 Ra0 E some f g _ _ B). apply (Eq W a); auto.
    intros j Hj. destruct (B j Hj) as (_ & _ & GF & _). rewrite GF. auto. }
  apply floors; auto.
  - apply lossq_ext. exact Len.
  - apply lossq_bij.
  - apply apart_inside. exact S.
  - intros W a I. destruct (Cov W a) as (A & IA & f & g & B & Id & V & v & P & V0 & V1 & G).
    + apply (layers_in_ball m d ball RW Ra RW0 Ra0 E some). exact I.
    + exists A. split; auto. exists f, g. split; auto. split; auto. apply joins_eq with (V 0) (v 0) (V 1) (v 1); auto.
      apply (layers_path m d ball RW Ra RW0 Ra0 E some XQ yQ _ Len V v P G).
      * apply (Eq (fun j => W (g j)) (fun j => a (g j))); [apply eqnet_sym; exact V0|]. apply (Order f g); auto.
      * apply (Eq (W_of A) (a_of A)); auto. apply eqnet_sym. exact V1.
Qed.
End InLayers.

Theorem apart_in_layers : forall XQ yQ m d ball lab nets, are_apart XQ yQ m d ball lab nets ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  (forall A, In A nets -> in_layers m d ball RW Ra (W_of A) (a_of A)) -> apart_layers XQ yQ m d ball RW Ra lab nets.
Proof. intros XQ yQ m d ball lab nets H RW Ra RW0 Ra0 E I. apply (apart_inside XQ yQ m d ball nets RW Ra RW0 Ra0 E I lab 0 H). Qed.

Theorem deep_in_layers : forall XQ yQ m d ball depth nets, are_deep XQ yQ m d ball depth nets ->
  forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  (forall A, In A nets -> in_layers m d ball RW Ra (W_of A) (a_of A)) -> deep_layers XQ yQ m d ball RW Ra depth nets.
Proof. intros XQ yQ m d ball depth nets H HL RW Ra RW0 Ra0 E I. apply (deep_inside XQ yQ m d ball nets RW Ra RW0 Ra0 E I depth HL H). Qed.

Theorem valleys_in_layers : forall XQ yQ m d ball nets, are_valleys XQ yQ m d ball nets ->
  forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  (forall A, In A nets -> in_layers m d ball RW Ra (W_of A) (a_of A)) -> valleys_layers XQ yQ m d ball RW Ra nets.
Proof. intros XQ yQ m d ball nets H HL. apply (deep_in_layers XQ yQ m d ball 0 nets H HL). Qed.

(* ---- the certificate; losses in it are those of the integer data ---- *)

(* a network, from which a path no higher than s_top leads to an earlier one, its neurons in the order given; or one of
   those listed. s_dual: what is proved of the cells from which it is reached *)
Record stop := Stop { s_net : endpoint; s_top : Q; s_next : option (nat * list nat); s_dual : option nat }.
Definition no_stop : stop := Stop [] 0 None None.
(* a dual vector that proves at least the level *)
Record bound := Bound { b_dual : dual; b_level : Q }.
(* cells that paths below the level do not leave *)
Record cut := Cut { c_cert : cert; c_level : Q }.

(* the first stops are the networks listed. p_serving: the number of a stop for each cell; p_between: that of a cut
   between network i and each j < i *)
Record points := Points { p_stops : list stop; p_bounds : list bound; p_serving : list nat; p_between : list (list nat) }.

(* every multiset of k states of a list *)
Fixpoint multisets (k : nat) : list state -> list cell :=
  match k with
  | O => fun _ => [[]]
  | S k => fix from (l : list state) := match l with [] => [] | s :: r => map (cons s) (multisets k l) ++ from r end
  end.

Section Checker.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable table : list row * list pattern.
Variable depth : Q.
Variable nets : list endpoint.
Variable stops : list stop.
Variable bounds : list bound.
Variable cuts : list cut.
Variable between : list (list nat).

Definition empty : cert := Cert (fst table) (snd table) [] [].
Definition check_table : bool :=
  check X y m d lab ball 0 1 false empty && Nat.ltb 0 (length (snd table)) && Qle_bool 0 depth.

(* the straight way between two networks stays in a cell *)
Definition facing (A B : endpoint) : bool := all m (fun j => let p := (qa A j * qa B j)%Q in
  Qle_bool 0 p && (Qeq_bool p 0 || forallb (fun x => Qle_bool 0 (dotQ x (qW A j) * dotQ x (qW B j))) X)).
Definition ordered (order : list nat) (A : endpoint) : endpoint := map (fun j => nth j A ([], 0%Q)) order.

Definition check_stop (k : nat) : bool :=
  let s := nth k stops no_stop in
  Nat.eqb (length (s_net s)) m && goodQ X y m d ball (s_top s) (s_net s) &&
  match s_next s with
  | None => Nat.ltb k (length nets)
  | Some (n, order) => let t := nth n stops no_stop in
      Nat.ltb n k && permb nat Nat.eqb order (seq 0 m) && Qle_bool (s_top t) (s_top s) && facing (s_net s) (ordered order (s_net t))
  end.
Definition check_stops : bool :=
  list_eqb (list_eqb neuron_eqb) nets (map s_net (firstn (length nets) stops)) &&
  forallb check_stop (seq 0 (length stops)).

Definition level_dual (b : bound) : bool :=
  check_dual X y d ball (Qnum (b_level b)) (Zpos (Qden (b_level b))) false empty (b_dual b).

(* a stop, in all orders of its neurons, with the sides that these are on *)
Definition ready (s : stop) : stop * list (endpoint * list (list Z)) := (s, map (fun B => (B, net_sides X m B)) (perms (s_net s))).
(* from a network of the cell the way to the stop rises by at most `depth` *)
Definition serves (sds : list (list Z)) (p : stop * list (endpoint * list (list Z))) (c : cell) : bool :=
  existsb (fun B => inside sds m (fst B) (snd B) c) (snd p) &&
  match s_dual (fst p) with
  | None => Qle_bool (s_top (fst p)) depth
  | Some k => match nth_error bounds k with
              | Some b => Qle_bool (s_top (fst p) - depth) (b_level b) && above m ball (b_dual b) c m None
              | None => false
              end
  end.
(* serving: the number of a stop for each cell *)
Definition check_served (serving : list nat) : bool :=
  let sds := pattern_sides X empty in
  let found := index 1 (map ready stops) in
  all2 (fun c k => match PositiveMap.find (Pos.of_succ_nat k) found with Some p => serves sds p c | None => false end)
    (multisets m (all_states empty)) serving.

Definition with_table (c : cut) : cert := Cert (fst table) (snd table) (duals (c_cert c)) (entries (c_cert c)).
Definition level_cut (c : cut) : bool :=
  let C := with_table c in
  forallb (check_dual X y d ball (Qnum (c_level c)) (Zpos (Qden (c_level c))) false C) (duals C) && check_entries m lab ball C.
Definition check_pair (i j : nat) : bool :=
  let c := nth (nth j (nth i between []) O) cuts (Cut empty 0) in
  let A := nth i stops no_stop in let B := nth j stops no_stop in
  negb (Qle_bool (c_level c) (s_top A + depth)) && negb (Qle_bool (c_level c) (s_top B + depth)) &&
  (check_cut X m lab (s_net A) (s_net B) (with_table c) || check_cut X m lab (s_net B) (s_net A) (with_table c)).
Definition check_apart : bool :=
  forallb level_cut cuts && forallb (fun i => forallb (check_pair i) (seq 0 i)) (seq 0 (length nets)).

(* ---- soundness ---- *)

Hypothesis HT : check_table = true.

Lemma table_some : (0 < length (patterns empty))%nat.
Proof. pose proof HT as H. unfold check_table in H. rewrite !andb_true_iff in H. destruct H as [[_ H] _]. apply Nat.ltb_lt in H. exact H. Qed.
Lemma depth_pos : 0 <= Q2R depth.
Proof. pose proof HT as H. unfold check_table in H. apply andb_prop in H as [_ H]. apply Qle0 in H. lra. Qed.
Lemma table_check : check X y m d lab ball 0 1 false empty = true.
Proof. pose proof HT as H. unfold check_table in H. rewrite !andb_true_iff in H. tauto. Qed.
Lemma table_parts : check_rows X y d ball 1 empty = true /\ forallb (check_pattern X empty) (patterns empty) = true.
Proof. pose proof table_check as H. unfold check, check_shared in H. rewrite !andb_true_iff in H. tauto. Qed.
Lemma table_len : forall x, In x X -> (length x <= d)%nat.
Proof.
  destruct table_parts as [Rw _]. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
  destruct Rw as [[[[[_ Rw] _] _] _] _]. rewrite forallb_forall in Rw. intros x Ix. apply Nat.leb_le. auto.
Qed.
(* other values, dual vectors and entries *)
Lemma table_with : forall b us es, forallb (check_dual X y d ball (Qnum b) (Zpos (Qden b)) false empty) us = true ->
  check_entries m lab ball (Cert (fst table) (snd table) us es) = true ->
  check X y m d lab ball (Qnum b) (Zpos (Qden b)) false (Cert (fst table) (snd table) us es) = true.
Proof.
  intros b us es Hu He. destruct table_parts as [Rw Pt]. unfold check, check_shared. rewrite !andb_true_iff.
  repeat split; [exact Rw|exact Pt|exact Hu|exact He].
Qed.

Lemma facing_joined : forall c A B, facing A B = true -> good X y m d ball c (W_of A) (a_of A) ->
  good X y m d ball c (W_of B) (a_of B) -> joined X y m d ball c (W_of A) (a_of A) (W_of B) (a_of B).
Proof.
  intros c A B F GA GB. set (s := fun j => if Rle_dec 0 (a_of A j) then if Rle_dec 0 (a_of B j) then true else false else false).
  assert (Fj : forall j, (j < m)%nat -> a_of A j * a_of B j >= 0 /\
    (a_of A j * a_of B j = 0 \/ forall x, In x X -> dot x (W_of A j) * dot x (W_of B j) >= 0)).
  { intros j Hj. pose proof (all_spec _ _ F j Hj) as E. cbv zeta in E. apply andb_prop in E as [E1 E2].
    apply Qle0 in E1. rewrite Q2R_mult in E1. split; auto. apply orb_prop in E2 as [E2|E2].
    - left. apply Qeq_R in E2. rewrite Q2R_mult, Q2R_0 in E2. exact E2.
    - right. intros x Ix. rewrite forallb_forall in E2. specialize (E2 x Ix). apply Qle0 in E2.
      rewrite Q2R_mult, !dotQ_dot in E2. exact E2. }
  destruct (normal X y m d ball c table_len (W_of A) (a_of A) s GA) as [U J].
  { intros j Hj. destruct (Fj j Hj) as [E _]. unfold s, sgn.
    destruct (Rle_dec 0 (a_of A j)), (Rle_dec 0 (a_of B j)); try lra; nra. }
  destruct (normal X y m d ball c table_len (W_of B) (a_of B) s GB) as [U' J'].
  { intros j Hj. destruct (Fj j Hj) as [E _]. unfold s, sgn.
    destruct (Rle_dec 0 (a_of A j)), (Rle_dec 0 (a_of B j)); try lra; nra. }
  apply (joined_trans X y m d ball c table_len _ _ _ _ _ _ J).
  apply (joined_trans X y m d ball c table_len) with (uvec (W_of B) (a_of B)) (fun j => sgn (s j)); [|apply joined_sym; auto].
  apply move_inner; auto; try exact table_len. intros j Hj. right. intros x Ix. rewrite !dot_u. destruct (Fj j Hj) as [E1 [E2|E2]].
  - assert (Z0 : Rabs (a_of A j) * Rabs (a_of B j) = 0) by (rewrite <- Rabs_mult, E2; apply Rabs_R0).
    replace (Rabs (a_of A j) * dot x (W_of A j) * (Rabs (a_of B j) * dot x (W_of B j)))
      with (Rabs (a_of A j) * Rabs (a_of B j) * (dot x (W_of A j) * dot x (W_of B j))) by ring. rewrite Z0. lra.
  - specialize (E2 x Ix). pose proof (Rabs_pos (a_of A j)). pose proof (Rabs_pos (a_of B j)).
    replace (Rabs (a_of A j) * dot x (W_of A j) * (Rabs (a_of B j) * dot x (W_of B j)))
      with (Rabs (a_of A j) * Rabs (a_of B j) * (dot x (W_of A j) * dot x (W_of B j))) by ring.
    apply Rle_ge, Rmult_le_pos; [apply Rmult_le_pos; auto|lra].
Qed.

(* what a bound says of a cell *)
Lemma bound_sound : forall b c W a, level_dual b = true -> above m ball (b_dual b) c m None = true ->
  in_ball m d ball W a -> in_cell (nz X) (fun i => vec (pat empty i)) m W a c -> Q2R (b_level b) <= loss X y m W a.
Proof.
  intros b c W a Hb Ha IW Hc. apply Rnot_lt_le. intros L.
  assert (Ck : check X y m d lab ball (Qnum (b_level b)) (Zpos (Qden (b_level b))) false (Cert (fst table) (snd table) [b_dual b] []) = true).
  { apply table_with; [|reflexivity]. cbn [forallb]. rewrite andb_true_r. exact Hb. }
  apply (above_sound X y m d lab ball _ _ false _ Ck (b_dual b) c m None (or_introl eq_refl) Ha W a Hc); [intros; lia|].
  split; auto.
Qed.

Lemma multisets_in : forall k l rest, length rest = k -> (forall s, In s rest -> In s l) ->
  exists c, In c (multisets k l) /\ Permutation c rest.
Proof.
  induction k as [|k IH]; intros l rest L H.
  - destruct rest; [|discriminate]. exists []. simpl. auto.
  - induction l as [|s l IHl].
    + destruct rest as [|s rest]; [discriminate|]. destruct (H s (or_introl eq_refl)).
    + cbn [multisets]. destruct (classic (In s rest)) as [I|N].
      * apply in_split in I as (r1 & r2 & ->). destruct (IH (s :: l) (r1 ++ r2)) as (c & Ic & P).
        -- rewrite app_length in *. simpl in L. lia.
        -- intros z Iz. apply H. apply in_app_iff in Iz as [?|?]; apply in_app_iff; simpl; auto.
        -- exists (s :: c). split; [apply in_app_iff; left; apply in_map; exact Ic|]. apply Permutation_cons_app. exact P.
      * destruct IHl as (c & Ic & P).
        -- intros z Iz. destruct (H z Iz) as [<-|?]; [contradiction|auto].
        -- exists c. split; auto. apply in_app_iff. right. exact Ic.
Qed.

Lemma inserts_out : forall A (a : A) l l', In l' (inserts a l) -> Permutation (a :: l) l'.
Proof.
  intros A a. induction l as [|b l IH]; intros l' I; cbn [inserts] in I.
  - destruct I as [<-|[]]. auto.
  - destruct I as [<-|I]; auto. apply in_map_iff in I as (z & <- & I). apply IH in I.
    eapply Permutation_trans; [apply perm_swap|]. constructor. exact I.
Qed.
Lemma perms_out : forall A (l l' : list A), In l' (perms l) -> Permutation l l'.
Proof.
  intros A. induction l as [|a l IH]; intros l' I; cbn [perms] in I.
  - destruct I as [<-|[]]. auto.
  - apply in_flat_map in I as (z & Iz & I). apply inserts_out in I. eapply Permutation_trans; [|exact I]. constructor. auto.
Qed.

Lemma all2_in : forall A B (f : A -> B -> bool) l l' a, all2 f l l' = true -> In a l -> exists b, f a b = true.
Proof.
  intros A B f. induction l as [|x l IH]; intros [|z l'] a H I; cbn [all2] in H; try discriminate; [destruct I|].
  apply andb_prop in H as [H1 H2]. destruct I as [<-|I]; eauto.
Qed.

(* networks in another order of neurons *)
Lemma ordered_net : forall f A B, (forall j, (j < m)%nat -> nth j B ([], 0%Q) = nth (f j) A ([], 0%Q)) ->
  eqnet m d (W_of B) (a_of B) (fun j => W_of A (f j)) (fun j => a_of A (f j)).
Proof. intros f A B H j Hj. unfold W_of, a_of, qW, qa. rewrite (H j Hj). split; auto. Qed.

Variable D : Z.
Variable XQ : list (list Q).
Variable yQ : list Q.
Hypothesis HS : scaled D XQ yQ X y = true.
Let DD := (IZR D * IZR D)%R.
Let inball := in_ball m d ball.

Lemma DD_pos : 0 < DD.
Proof. pose proof (scaled_pos _ _ _ _ _ HS). unfold DD. nra. Qed.
Lemma lossq_of : forall W a, lossq XQ yQ m W a = loss X y m W a / DD.
Proof. intros W a. pose proof DD_pos. rewrite (loss_scaled D XQ yQ X y m W a HS). fold DD. field. lra. Qed.

Lemma ball_ext : forall W a W' a', eqnet m d W a W' a' -> inball W a -> inball W' a'.
Proof. intros W a W' a' E B. apply (in_ball_same m d ball W a); auto. intros j i Hj Hi. destruct (E j Hj) as [E1 E2]. rewrite E1, E2; auto. Qed.
Lemma ball_bij : forall f g W a, Bij m f g -> inball W a -> inball (fun j => W (g j)) (fun j => a (g j)).
Proof. intros f g W a B H. apply (in_ball_bij m d ball g f); auto. apply Bij_sym; auto. Qed.
Lemma lossq_eq : forall W a W' a', eqnet m d W a W' a' -> lossq XQ yQ m W a = lossq XQ yQ m W' a'.
Proof.
  intros W a W' a' E. rewrite !lossq_of, (loss_ext X y m W a W' a'); auto.
  - intros x j Ix Hj. apply (dot_ext_len x d); [apply table_len; auto|]. apply (E j Hj).
  - intros j Hj. apply (E j Hj).
Qed.

Lemma joined_joins : forall c W a W' a', joined X y m d ball (c * DD) W a W' a' -> joins m d (no_higher inball XQ yQ m c) W a W' a'.
Proof.
  intros c W a W' a' (V & v & P & V0 & V1 & G). exists V, v. split; auto. split; auto. split; auto.
  intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. rewrite lossq_of. pose proof DD_pos.
  apply Rmult_le_reg_r with DD; auto. replace (loss X y m (V t) (v t) / DD * DD) with (loss X y m (V t) (v t)) by (field; lra). exact G2.
Qed.

Definition top (s : stop) : R := Q2R (s_top s) / DD.
Lemma top_good : forall s c, goodQ X y m d ball (s_top s) (s_net s) = true -> top s <= c ->
  good X y m d ball (c * DD) (W_of (s_net s)) (a_of (s_net s)).
Proof.
  intros s c H L. apply goodQ_R in H as [G1 G2]. split; auto. eapply Rle_trans; [exact G2|]. pose proof DD_pos.
  unfold top in L. apply Rmult_le_compat_r with (r := DD) in L; [|lra].
  replace (Q2R (s_top s) / DD * DD) with (Q2R (s_top s)) in L by (field; lra). exact L.
Qed.

Section Stops.
Hypothesis Hst : check_stops = true.

Lemma stop_ok : forall k, (k < length stops)%nat -> check_stop k = true.
Proof.
  intros k Hk. pose proof Hst as H. unfold check_stops in H. apply andb_prop in H as [_ H]. rewrite forallb_forall in H.
  apply H. apply in_seq0; auto.
Qed.
Lemma stop_net : forall k, (k < length stops)%nat -> length (s_net (nth k stops no_stop)) = m /\
  goodQ X y m d ball (s_top (nth k stops no_stop)) (s_net (nth k stops no_stop)) = true.
Proof.
  intros k Hk. pose proof (stop_ok k Hk) as H. unfold check_stop in H. rewrite !andb_true_iff in H. destruct H as [[H1 H2] _].
  apply Nat.eqb_eq in H1. auto.
Qed.
Lemma nets_are : nets = map s_net (firstn (length nets) stops).
Proof.
  pose proof Hst as H. unfold check_stops in H. apply andb_prop in H as [H _].
  apply (list_eqb_eq _ _ (list_eqb_eq _ _ neuron_eqb_eq)) in H. exact H.
Qed.
Lemma nets_fewer : (length nets <= length stops)%nat.
Proof. pose proof (f_equal (@length endpoint) nets_are) as E. rewrite map_length, firstn_length in E. lia. Qed.
Lemma net_nth : forall k, (k < length nets)%nat -> nth k nets [] = s_net (nth k stops no_stop).
Proof.
  intros k Hk. rewrite nets_are at 1. pose proof nets_fewer. change (@nil (list Q * Q)) with (s_net no_stop). rewrite map_nth. f_equal.
  rewrite <- (firstn_skipn (length nets) stops) at 2. rewrite app_nth1; auto. rewrite firstn_length. lia.
Qed.

Let leads := leads inball XQ yQ m d false.

Lemma stop_leads : forall k, (k < length stops)%nat -> let s := nth k stops no_stop in
  exists A, In A nets /\ leads (top s) (W_of (s_net s)) (a_of (s_net s)) A.
Proof.
  induction k as [k IH] using lt_wf_ind. intros Hk s. pose proof (stop_ok k Hk) as H. unfold check_stop in H. fold s in H.
  rewrite !andb_true_iff in H. destruct H as [[H1 H2] H3]. apply Nat.eqb_eq in H1.
  destruct (s_next s) as [[n order]|].
  - rewrite !andb_true_iff in H3. destruct H3 as [[[H3 H4] H5] H6]. apply Nat.ltb_lt in H3.
    assert (Hn : (n < length stops)%nat) by lia. destruct (IH n H3 Hn) as (A & IA & LA).
    set (t := nth n stops no_stop) in *. exists A. split; auto.
    assert (Tt : top t <= top s).
    { unfold top. apply Qle_R in H5. pose proof DD_pos. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto]. }
    assert (Pm : Permutation (seq 0 m) order).
    { apply Permutation_sym, (permb_perm _ Nat.eqb); auto. intros u v. apply Nat.eqb_eq. }
    pose proof (Permutation_length Pm) as Lo. rewrite seq_length in Lo.
    apply (Permutation_Bij _ O) in Pm as (f & g & B & E). rewrite seq_length in B, E.
    assert (Ef : forall j, (j < m)%nat -> nth j (ordered order (s_net t)) ([], 0%Q) = nth (f j) (s_net t) ([], 0%Q)).
    { intros j Hj. destruct (B j Hj) as (Fj & _). specialize (E j Hj). rewrite seq_nth in E by auto. unfold ordered.
      rewrite (nth_indep _ _ ((fun j => nth j (s_net t) ([], 0%Q)) O)) by (rewrite map_length; lia).
      rewrite (map_nth (fun j => nth j (s_net t) ([], 0%Q))), E. reflexivity. }
    pose proof (ordered_net f _ _ Ef) as En. destruct (stop_net n Hn) as [_ Gt]. fold t in Gt.
    assert (J : joins m d (no_higher inball XQ yQ m (top s)) (W_of (s_net s)) (a_of (s_net s))
      (fun j => W_of (s_net t) (f j)) (fun j => a_of (s_net t) (f j))).
    { apply joins_eq with (W_of (s_net s)) (a_of (s_net s)) (W_of (ordered order (s_net t))) (a_of (ordered order (s_net t))); auto.
      - intros j Hj; split; auto.
      - apply joined_joins, facing_joined; auto.
        + apply top_good; auto. lra.
        + apply (Path.good_ext X y m d ball _ table_len (fun j => W_of (s_net t) (f j)) (fun j => a_of (s_net t) (f j))).
          * apply eqnet_sym. exact En.
          * pose proof (top_good t (top s) Gt Tt) as [G1 G2]. split.
            -- apply (ball_bij g f); auto. apply Bij_sym; auto.
            -- rewrite (loss_bij X y m f g _ _ B). exact G2. }
    apply (joins_order inball XQ yQ m d ball_bij (lossq_bij XQ yQ m) (top s) f g) in J; auto.
    apply (leads_on inball XQ yQ m d false ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) (top s) f g) with
      (V := W_of (s_net t)) (v := a_of (s_net t)); auto; [discriminate| |].
    + eapply joins_eq; [| |exact J]; intros j Hj; [split; auto|]. destruct (B j Hj) as (_ & _ & _ & FG). rewrite FG. split; auto.
    + apply (leads_higher inball XQ yQ m d false (top t)); auto.
  - apply Nat.ltb_lt in H3. exists (s_net s). split.
    + unfold s. rewrite <- (net_nth k H3). apply nth_In; auto.
    + exists (fun j => j), (fun j => j). split; [apply Bij_id|]. split; [discriminate|]. apply stays.
      apply goodQ_R in H2 as [G1 G2]. split; auto. rewrite lossq_of. unfold top. pose proof DD_pos.
      apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto].
Qed.

(* the way down from any network *)
Theorem served : forall serving, check_served serving = true -> forallb level_dual bounds = true ->
  forall W a, inball W a -> exists A, In A nets /\ leads (lossq XQ yQ m W a + Q2R depth / DD) W a A.
Proof.
  intros serving Hs Hb W a IW. set (P := fun i => vec (pat empty i)).
  destruct (placed X y m d lab ball 0 1 false empty table_check table_some W a) as (c & Lc & Ac & Hc).
  destruct (multisets_in m (all_states empty) c Lc Ac) as (c1 & I1 & P1).
  unfold check_served in Hs. destruct (all2_in _ _ _ _ _ c1 Hs I1) as (k & Sv). clear Hs.
  destruct (PositiveMap.find _ _) as [p|] eqn:F; [|discriminate]. apply index_in, in_map_iff in F as (s & <- & Is).
  unfold serves, ready in Sv. cbn [fst snd] in Sv. apply andb_prop in Sv as [Sv Du].
  apply existsb_exists in Sv as (B & IB & Hin). apply in_map_iff in IB as (B' & <- & IB). cbn [fst snd] in Hin.
  rewrite inside_contains in Hin. apply perms_out in IB.
  apply (In_nth _ _ no_stop) in Is as (n & Hn & En). destruct (stop_net n Hn) as [Ls Gs]. rewrite En in Ls, Gs.
  destruct (stop_leads n Hn) as (A & IA & LA). rewrite En in LA. exists A. split; auto.
  (* the cell's order of W's neurons, and of the stop's *)
  assert (L1 : length c1 = m) by (rewrite (Permutation_length P1); exact Lc).
  apply (Permutation_Bij _ (true, O)) in P1 as (f & g & B0 & E0).
  assert (Bf : Bij m f g) by (rewrite <- L1; exact B0).
  assert (E1 : forall x, (x < m)%nat -> st c x = st c1 (f x)) by (intros x Hx; apply E0; rewrite <- L1 in Hx; exact Hx).
  assert (E1' : forall j, (j < m)%nat -> st c1 j = st c (g j)).
  { intros j Hj. destruct (Bf j Hj) as (_ & Gj & _ & FG). rewrite (E1 (g j) Gj), FG. reflexivity. }
  assert (Hc1 : in_cell (nz X) P m (fun j => W (g j)) (fun j => a (g j)) c1) by (apply (carry X m empty c c1 f g W a Bf E1 Hc)).
  set (S := s_net s) in *. apply (Permutation_Bij _ ([], 0%Q)) in IB as (h & k' & Bh & Eh). rewrite Ls in Bh, Eh.
  pose proof (ordered_net h S B' Eh) as EB.
  assert (HB : in_cell (nz X) P m (W_of B') (a_of B') c1).
  { apply (contains_iff X empty m d B' c1 (W_of B') (a_of B') table_len); auto. intros j Hj. split; auto. }
  set (dep := Q2R depth / DD). set (L := lossq XQ yQ m W a + dep).
  assert (Top : top s <= L).
  { unfold L, dep, top. pose proof DD_pos as DP. rewrite lossq_of.
    assert (Q2R (s_top s) <= loss X y m W a + Q2R depth).
    { assert (Lo : loss X y m (fun j => W (g j)) (fun j => a (g j)) = loss X y m W a) by (apply (loss_bij X y m g f W a); apply Bij_sym; auto).
      destruct (s_dual s) as [i|].
      - destruct (nth_error bounds i) as [b|] eqn:Nb; [|discriminate]. apply andb_prop in Du as [D1 D2].
        apply nth_error_In in Nb. rewrite forallb_forall in Hb. pose proof (bound_sound b c1 _ _ (Hb b Nb) D2 (ball_bij f g W a Bf IW) Hc1) as Lb.
        apply Qle_R in D1. rewrite Q2R_minus in D1. rewrite <- Lo. lra.
      - apply Qle_R in Du. pose proof (lossq_nonneg XQ yQ m W a) as N. rewrite lossq_of in N.
        assert (0 <= loss X y m W a).
        { apply Rmult_le_reg_r with (/ DD); [apply Rinv_0_lt_compat; auto|]. rewrite Rmult_0_l. exact N. }
        lra. }
    replace (loss X y m W a / DD + Q2R depth / DD) with ((loss X y m W a + Q2R depth) / DD) by (field; lra).
    apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto]. }
  assert (LW : loss X y m W a <= L * DD).
  { unfold L, dep. rewrite lossq_of. pose proof DD_pos. pose proof depth_pos.
    replace ((loss X y m W a / DD + Q2R depth / DD) * DD) with (loss X y m W a + Q2R depth) by (field; lra). lra. }
  assert (GW : good X y m d ball (L * DD) (fun j => W (g j)) (fun j => a (g j))).
  { split; [apply (ball_bij f g); auto|]. rewrite (loss_bij X y m g f W a); auto. apply Bij_sym; auto. }
  assert (GB : good X y m d ball (L * DD) (W_of B') (a_of B')).
  { apply (Path.good_ext X y m d ball _ table_len (fun j => W_of S (h j)) (fun j => a_of S (h j))); [apply eqnet_sym; exact EB|].
    destruct (top_good s L Gs Top) as [G1 G2]. split; [apply (ball_bij k' h); auto; apply Bij_sym; auto|].
    fold S in G2. rewrite (loss_bij X y m h k' (W_of S) (a_of S) Bh). exact G2. }
  assert (J : joined X y m d ball (L * DD) (fun j => W (g j)) (fun j => a (g j)) (W_of B') (a_of B')).
  { apply (one_cell X y m d ball (L * DD) table_len P c1); auto. intros j x Hj Ix. unfold P. rewrite <- dotZ_dot.
    apply not_0_IZR. assert (Ij : In (st c1 j) (all_states empty)).
    { rewrite (E1' j Hj). apply Ac. unfold st. apply nth_In. rewrite Lc. apply Bf. exact Hj. }
    unfold all_states in Ij. apply in_flat_map in Ij as (i & Ii & Ij). apply in_seq in Ii.
    assert (snd (st c1 j) = i) as -> by (destruct Ij as [<-|[<-|[]]]; reflexivity).
    eapply pat_generic; [exact table_check|lia|exact Ix]. }
  apply joined_joins in J. apply (joins_eq m d _ _ _ _ _ _ _ _ _ (eqnet_refl m d _ _) EB) in J.
  apply (joins_order inball XQ yQ m d ball_bij (lossq_bij XQ yQ m) L h k' _ _ _ _ Bh) in J.
  apply (leads_on inball XQ yQ m d false ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) L (fun x => h (f x)) (fun x => g (k' x))) with
    (V := W_of S) (v := a_of S); [apply Bij_comp; auto|discriminate| |].
  - eapply joins_eq; [| |exact J]; intros j Hj; [split; auto|]. destruct (Bh j Hj) as (_ & _ & _ & HK). rewrite HK. split; auto.
  - apply (leads_higher inball XQ yQ m d false (top s)); auto.
Qed.
End Stops.

(* ---- cuts ---- *)

Lemma cut_blocks : forall c A B r, level_cut c = true -> check_cut X m lab A B (with_table c) = true ->
  leads inball XQ yQ m d lab r (W_of A) (a_of A) B -> Q2R (c_level c) <= r * DD.
Proof.
  intros c A B r HL HC (f & g & Bf & I & V & v & [CV Cv] & V0 & V1 & G). unfold level_cut in HL. apply andb_prop in HL as [H1 H2].
  assert (Ck : check_barrier X y m d lab ball (Qnum (c_level c)) (Zpos (Qden (c_level c))) false A B (with_table c) = true).
  { unfold check_barrier. rewrite HC, andb_true_r. apply table_with; [exact H1|exact H2]. }
  assert (Fm : forall x, (x < m)%nat -> (f x < m)%nat) by (intros x Hx; apply (Bf x Hx)).
  destruct (barrier_lower_bound_gen _ _ _ _ _ _ _ _ _ _ _ _ Ck (fun t x => V t (f x)) (fun t x => v t (f x))) as (t & Ht & L).
  - split; intros; [apply CV|apply Cv]; auto.
  - intros t Ht. destruct (G t Ht) as [Q1 _]. apply (in_ball_bij m d ball f g); auto.
  - intros x Hx. destruct (Bf x Hx) as (Fx & _ & GF & _). destruct (V0 (f x) Fx) as [P1 P2]. cbn beta in P1, P2. rewrite GF in P1, P2.
    split; auto.
  - exists g. split; [split; [|split]|].
    + intros x Hx. apply (Bf x Hx).
    + intros x z Hx Hz E. destruct (Bf x Hx) as (_ & _ & _ & E1). destruct (Bf z Hz) as (_ & _ & _ & E2). congruence.
    + exact I.
    + intros x Hx. destruct (Bf x Hx) as (_ & _ & _ & FG). rewrite FG. destruct (V1 x Hx) as [P1 P2]. split; auto.
  - destruct (G t Ht) as [_ Q2]. cbn beta iota in L. rewrite (loss_bij X y m f g (V t) (v t) Bf) in L.
    rewrite lossq_of in Q2. pose proof DD_pos. apply Rmult_le_compat_r with (r := DD) in Q2; [|lra].
    replace (loss X y m (V t) (v t) / DD * DD) with (loss X y m (V t) (v t)) in Q2 by (field; lra).
    apply Rge_le in L. eapply Rle_trans; [|exact Q2]. exact L.
Qed.

Theorem apart_sound : check_stops = true -> check_apart = true -> apart inball XQ yQ m d lab (Q2R depth / DD) nets.
Proof.
  intros Hst HA. pose proof (nets_fewer Hst) as Fewer. pose proof DD_pos as DP. unfold check_apart in HA. apply andb_prop in HA as [HC HP].
  rewrite forallb_forall in HC, HP.
  assert (In_b : forall k, (k < length nets)%nat -> inball (W_of (nth k nets [])) (a_of (nth k nets [])) /\
    height XQ yQ m (nth k nets []) <= Q2R (s_top (nth k stops no_stop)) / DD).
  { intros k Hk. rewrite (net_nth Hst k Hk). destruct (stop_net Hst k) as [_ Gk]; [lia|]. apply goodQ_R in Gk as [G1 G2]. split; auto.
    unfold height. rewrite lossq_of. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto]. }
  assert (Main : forall i j, (i < length nets)%nat -> (j < i)%nat ->
    let A := nth i nets [] in let B := nth j nets [] in let r := Rmax (height XQ yQ m A) (height XQ yQ m B) + Q2R depth / DD in
    ~ leads inball XQ yQ m d lab r (W_of A) (a_of A) B).
  { intros i j Hi Hj A B r L. destruct (In_b i Hi) as [IA TA]. destruct (In_b j) as [IB TB]; [lia|]. fold A in IA, TA. fold B in IB, TB.
    specialize (HP i (in_seq0 _ _ Hi)). rewrite forallb_forall in HP. specialize (HP j (in_seq0 _ _ Hj)).
    unfold check_pair in HP. set (c := nth _ cuts _) in HP. rewrite !andb_true_iff, !negb_true_iff in HP. destruct HP as [[P1 P2] P3].
    assert (Lt : forall p q, Qle_bool p q = false -> Q2R q < Q2R p).
    { intros p q E. apply Rnot_le_lt. intros Le. apply Rle_Qle, Qle_bool_iff in Le. congruence. }
    apply Lt in P1, P2. rewrite Q2R_plus in P1, P2.
    assert (Small : r * DD < Q2R (c_level c)).
    { unfold r. rewrite Rmult_plus_distr_r. replace (Q2R depth / DD * DD) with (Q2R depth) by (field; lra).
      apply Rmult_le_compat_r with (r := DD) in TA, TB; try lra.
      replace (Q2R (s_top (nth i stops no_stop)) / DD * DD) with (Q2R (s_top (nth i stops no_stop))) in TA by (field; lra).
      replace (Q2R (s_top (nth j stops no_stop)) / DD * DD) with (Q2R (s_top (nth j stops no_stop))) in TB by (field; lra).
      unfold Rmax. destruct (Rle_dec (height XQ yQ m A) (height XQ yQ m B)); lra. }
    assert (Lc : level_cut c = true).
    { destruct (nth_in_or_default (nth j (nth i between []) O) cuts (Cut empty 0)) as [I|E]; [apply HC; exact I|].
      exfalso. unfold c in Small. rewrite E in Small. cbn [c_level] in Small. rewrite Q2R_0 in Small.
      destruct (start_height inball XQ yQ m d lab ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) _ _ _ _ L) as [L0 _].
      pose proof (lossq_nonneg XQ yQ m (W_of A) (a_of A)). nra. }
    rewrite <- (net_nth Hst i Hi), <- (net_nth Hst j) in P3 by lia. fold A B in P3. apply orb_prop in P3 as [P3|P3].
    - pose proof (cut_blocks c A B r Lc P3 L). lra.
    - assert (L' : leads inball XQ yQ m d lab r (W_of B) (a_of B) A).
      { apply (leads_both inball XQ yQ m d lab ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) r (W_of A) (a_of A) B A); auto.
        exists (fun x => x), (fun x => x). split; [apply Bij_id|]. split; auto. apply stays.
        destruct (start_height inball XQ yQ m d lab ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) _ _ _ _ L). split; auto. }
      pose proof (cut_blocks c B A r Lc P3 L'). lra. }
  split.
  - intros A IA. apply In_nth with (d := []) in IA as (k & Hk & <-). apply (In_b k Hk).
  - intros i j Hi Hj N A B L. destruct (Nat.lt_total i j) as [Lt|[E|Lt]]; [|contradiction|apply (Main i j Hi Lt L)].
    apply (Main j i Hj Lt). cbv zeta. fold A B. rewrite Rmax_comm.
    apply (leads_both inball XQ yQ m d lab ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) _ (W_of A) (a_of A) B A); auto.
    exists (fun x => x), (fun x => x). split; [apply Bij_id|]. split; auto. apply stays.
    destruct (start_height inball XQ yQ m d lab ball_ext ball_bij lossq_eq (lossq_bij XQ yQ m) _ _ _ _ L). split; auto.
Qed.
End Checker.

Definition check_valleys D XQ yQ X y m d lab ball table dn dd nets (p : points) cuts : bool :=
  let depth := (dn # Z.to_pos dd)%Q in
  scaled D XQ yQ X y && Z.ltb 0 dd && check_table X y m d lab ball table depth && check_stops X y m d ball nets (p_stops p) &&
  check_apart X y m d lab ball table depth nets (p_stops p) cuts (p_between p).

Definition check_all_valleys D XQ yQ X y m d ball table dn dd nets (p : points) cuts : bool :=
  check_valleys D XQ yQ X y m d false ball table dn dd nets p cuts &&
  check_served X m ball table (dn # Z.to_pos dd) (p_stops p) (p_bounds p) (p_serving p) &&
  forallb (level_dual X y d ball table) (p_bounds p).

Lemma depth_is : forall dn dd D, (0 < dd)%Z -> IZR D > 0 ->
  Q2R (dn # Z.to_pos dd) / (IZR D * IZR D) = IZR dn / (IZR dd * IZR D * IZR D).
Proof. intros dn dd D H K. apply IZR_lt in H as H'. unfold Q2R. cbn [Qnum Qden]. rewrite Z2Pos.id by auto. field. lra. Qed.

Lemma apart_at : forall D XQ yQ X y m d lab ball table dn dd nets p cuts,
  check_valleys D XQ yQ X y m d lab ball table dn dd nets p cuts = true ->
  apart (in_ball m d ball) XQ yQ m d lab (IZR dn / (IZR dd * IZR D * IZR D)) nets.
Proof.
  intros D XQ yQ X y m d lab ball table dn dd nets p cuts H. unfold check_valleys in H. rewrite !andb_true_iff in H.
  destruct H as [[[[HS Hd] HT] Hst] HA]. apply Z.ltb_lt in Hd. rewrite <- (depth_is dn dd D Hd (scaled_pos _ _ _ _ _ HS)).
  apply (apart_sound X y m d lab ball table _ nets (p_stops p) cuts (p_between p) HT D XQ yQ HS Hst HA).
Qed.

Theorem apart_exact : forall D XQ yQ X y m d lab ball table nets p cuts,
  check_valleys D XQ yQ X y m d lab ball table 0 1 nets p cuts = true -> are_apart XQ yQ m d ball lab nets.
Proof.
  intros D XQ yQ X y m d lab ball table nets p cuts H. apply apart_at in H. unfold Rdiv in H. rewrite Rmult_0_l in H. exact H.
Qed.

Theorem deep_exact : forall D XQ yQ X y m d ball table dn dd nets p cuts,
  check_all_valleys D XQ yQ X y m d ball table dn dd nets p cuts = true ->
  are_deep XQ yQ m d ball (IZR dn / (IZR dd * IZR D * IZR D)) nets.
Proof.
  intros D XQ yQ X y m d ball table dn dd nets p cuts H. unfold check_all_valleys in H.
  rewrite !andb_true_iff in H. destruct H as [[HV Hse] Hb]. pose proof (apart_at _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ HV) as Ap.
  unfold check_valleys in HV. rewrite !andb_true_iff in HV. destruct HV as [[[[HS Hd] HT] Hst] _]. apply Z.ltb_lt in Hd.
  pose proof (depth_is dn dd D Hd (scaled_pos _ _ _ _ _ HS)) as E. rewrite <- E in *.
  apply (floors (in_ball m d ball)); auto.
  - apply (ball_ext m d ball).
  - apply (ball_bij m d ball).
  - apply (lossq_eq X y m d false ball table _ HT D XQ yQ HS).
  - apply lossq_bij.
  - pose proof (depth_pos X y m d false ball table _ HT). pose proof (DD_pos X y D XQ yQ HS).
    apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
  - apply (served X y m d false ball table _ nets (p_stops p) (p_bounds p) HT D XQ yQ HS Hst (p_serving p) Hse Hb).
Qed.

Theorem valleys_exact : forall D XQ yQ X y m d ball table nets p cuts,
  check_all_valleys D XQ yQ X y m d ball table 0 1 nets p cuts = true ->
  are_valleys XQ yQ m d ball nets.
Proof.
  intros D XQ yQ X y m d ball table nets p cuts H. apply deep_exact in H.
  unfold are_deep, Rdiv in H. rewrite Rmult_0_l in H. exact H.
Qed.

(* ---- as a file has it ---- *)

Definition stop_of (m d : nat) (neurons : list (list Q * Q)) : parser stop := fun l =>
  let (net, l) := network_of m neurons l in let (top, l) := rational l in
  let (n, l) := natural l in
  let (next, l) := match n with O => (None, l) | S n => apply (fun order => Some (n, order)) (times m natural) l end in
  apply (fun k => Stop net top next (match k with O => None | S k => Some k end)) natural l.
Definition bound_of (n d : nat) (table : list row * list pattern) : parser bound :=
  apply (fun p => Bound (fst p) (snd p)) (both (dual_of n d table) rational).
Definition points_of (n m d : nat) (table : list row * list pattern) : parser points := fun l =>
  let (neurons, l) := many (weights_of d) l in
  let (stops, l) := many (stop_of m d neurons) l in let (bounds, l) := many (bound_of n d table) l in
  let (serving, l) := many natural l in apply (Points stops bounds serving) (many (many natural)) l.
